"""From typed expressions to what a server runs."""

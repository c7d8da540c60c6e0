"""Specs: from the text of YAML files to resolved subjects."""

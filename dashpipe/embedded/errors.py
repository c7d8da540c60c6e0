"""What goes wrong with the embedded server, said to the person who can mend it."""

from __future__ import annotations


class EmbeddedError(Exception):
    """The embedded server could not be found, started or stopped; the message says what to do."""

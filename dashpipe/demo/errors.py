"""What goes wrong with the example data, said to the person who can mend it."""

from __future__ import annotations


class DemoError(Exception):
    """The example data could not be read; the message says what to do."""

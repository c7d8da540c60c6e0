"""What the compiler raises: only for specs that lint refuses, so that nobody meets it in daily work."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass  # not frozen: Python sets the traceback of an exception that passes a context
class CompileError(Exception):
    """A spec that cannot be compiled: ``subject`` and what is wrong with it."""

    subject: str
    message: str

    def __str__(self) -> str:
        """The message, and the command that shows the place."""
        return f"{self.subject}: {self.message} (`dashpipe lint` shows where)"

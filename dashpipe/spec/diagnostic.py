"""The one type of finding: what every rule yields and every renderer shows."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple


class Severity(str, Enum):
    """How much a finding matters: errors fail a lint, warnings only under ``--strict``."""

    ERROR = "error"
    WARNING = "warning"


class Span(NamedTuple):
    """A part of a file. Lines and columns count from 1, columns in code points; the end is exclusive."""

    line: int
    column: int
    end_line: int
    end_column: int


class Related(NamedTuple):
    """Another place that a finding speaks of, with what it is."""

    file: str
    span: Span
    message: str


class Edit(NamedTuple):
    """A replacement of one span's text."""

    span: Span
    text: str


class Fix(NamedTuple):
    """A safe change that removes a finding; comments outside the edited spans stay."""

    message: str
    edits: tuple[Edit, ...]


class Diagnostic(NamedTuple):
    """A finding: what is wrong, where, and what to write instead.

    ``message`` says what is wrong (lower case, no full stop); ``help`` says what to write. ``file`` is the
    path as the project names it, relative to its root. ``span`` is the smallest that holds the mistake.
    """

    code: str
    name: str
    severity: Severity
    message: str
    file: str
    span: Span
    path: tuple[str | int, ...] = ()
    related: tuple[Related, ...] = ()
    help: str = ""
    fix: Fix | None = None

    @property
    def sort_key(self) -> tuple[str, Span, str, str]:
        """The order in which findings are shown: by file, place, code."""
        return (self.file, self.span, self.code, self.message)

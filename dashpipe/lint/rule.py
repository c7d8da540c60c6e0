"""What a rule is: a code, what it says and why, an example of each, and a function that yields problems."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from dashpipe.spec.model import Origin, Subject

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from dashpipe.lint.view import View
    from dashpipe.spec.diagnostic import Fix, Severity, Span

#: The families of codes, by their first letter.
FAMILIES = {
    "Y": "YAML: the text of a file",
    "S": "Shape: keys and the kinds of their values",
    "N": "Names: what refers to what",
    "T": "Time: time zones, schedules, windows, grains",
    "M": "Metric sense: what a number would mean",
    "E": "Expressions: `expr` and `where`",
    "C": "Cost: what will be slow, and what to do about it",
    "Q": "Checks: what guards the numbers",
    "P": "Privacy and ownership: secrets, the environment, who answers",
    "L": "Lint itself: its comments, and its own failures",
}


class Place(NamedTuple):
    """A part of a file, where no key path says it finely enough; ``path`` is that of the value it lies in."""

    file: str
    span: Span
    path: tuple[str | int, ...] = ()


#: Where a problem is: a value (or, with ``on_key``, a key) of the spec, or a part of a file.
At = Origin | Place


class Problem(NamedTuple):
    """What a rule found.

    Attributes:
        at: The place: the smallest value that holds the mistake.
        message: What is wrong there (lower case, no full stop).
        help: What to write instead.
        related: Other places that it speaks of, each with what it is.
        fix: A safe change that removes it.
        on_key: Whether the key at the place is wrong, not its value.
    """

    at: At
    message: str
    help: str = ""
    related: tuple[tuple[At, str], ...] = ()
    fix: Fix | None = None
    on_key: bool = False


class Rule(NamedTuple):
    """One rule. Its file is its documentation: ``what`` and ``why`` become the page of its code.

    ``bad`` and ``good`` are YAML, whole top-level keys of a subject, or whole files, each after ``# file:
    NAME``; the tests run both. ``subject`` looks at one resolved subject, ``whole`` at the project. A rule
    with neither describes a finding that reading the files, resolving their names or typing their
    expressions gives.
    """

    code: str
    name: str
    severity: Severity
    what: str
    why: str
    bad: str
    good: str
    subject: Callable[[Subject, View], Iterator[Problem]] | None = None
    whole: Callable[[View], Iterator[Problem]] | None = None
    fixable: bool = False

    @property
    def family(self) -> str:
        """The first letter of the code, a key of ``FAMILIES``."""
        return self.code[0]

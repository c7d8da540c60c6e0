"""What is wrong with an expression, where in its text, and what to write instead."""

from __future__ import annotations

from collections.abc import Iterable


class ExpressionError(ValueError):
    """One mistake in an expression's text.

    Attributes:
        message: What is wrong (lower case, no full stop).
        start: Offset of the first wrong character, from 0.
        end: Offset after the last one.
        help: What to write instead.
        use: Which of the expressions given to ``infer`` it is in; 0 elsewhere.
        follows: Whether it only follows from a mistake in a dimension's own expression, which is reported
            there.
    """

    def __init__(
        self, message: str, start: int, end: int, help: str = "", *, use: int = 0, follows: bool = False
    ) -> None:
        super().__init__(message)
        self.message = message
        self.start = start
        self.end = end
        self.help = help
        self.use = use
        self.follows = follows


class ExpressionErrors(ValueError):
    """All mistakes of an expression, in the order of its text."""

    def __init__(self, errors: Iterable[ExpressionError]) -> None:
        self.errors = tuple(sorted(errors, key=lambda one: (one.use, one.start, one.end)))
        super().__init__("; ".join(f"{one.message} (at {one.start})" for one in self.errors))


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that ``word`` was most likely meant to be, or ``None`` where none is near."""
    from difflib import get_close_matches  # slow to import, and needed on mistakes only

    found = get_close_matches(word, list(known), n=1, cutoff=0.7)
    return found[0] if found else None

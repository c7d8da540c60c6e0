"""What a function is: what it takes, what it gives, and what it becomes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from dashpipe.expr.scope import Typed
from dashpipe.expr.types import FieldType

#: Makes a function's expression from those of its arguments (none of them NULL) and the typed call.
Emit = Callable[[list[Any], Typed], Any]


class Param(NamedTuple):
    """What an argument must be.

    Kinds: ``text``, ``number`` (any numeric), ``double`` (any numeric, converted), ``date``, ``array``,
    ``any``; and the literals ``count`` (whole, not negative), ``place`` (whole, from 1), ``digits`` (whole),
    ``word`` (text), ``part`` (one of ``parts``), ``format`` (made of ``parts``).
    """

    kind: str
    parts: tuple[str, ...] = ()
    help: str = ""

    @property
    def literal(self) -> bool:
        """Whether the argument is a literal, which the emission takes as a Python value."""
        return self.kind in ("count", "place", "digits", "word", "part", "format")


class Function(NamedTuple):
    """A function of the subset.

    Attributes:
        name: Its name, in lower case.
        signature: How it is written.
        params: Its arguments.
        result: The type that it gives; ``None``: that of its first argument, or what all of them have in
            common.
        does: One line on what it gives.
        example: A use of it.
        emit: What it becomes, where no argument is NULL (it is NULL where one is); ``None``: a form of its
            own.
        least: How many arguments it needs.
        more: Whether the last parameter may come again.
    """

    name: str
    signature: str
    params: tuple[Param, ...]
    result: FieldType | None
    does: str
    example: str
    emit: Emit | None
    least: int
    more: bool = False


TEXT, NUMBER, DOUBLE, DATE = Param("text"), Param("number"), Param("double"), Param("date")
ARRAY, ANY, COUNT, PLACE = Param("array"), Param("any"), Param("count"), Param("place")
DIGITS, WORD = Param("digits"), Param("word")

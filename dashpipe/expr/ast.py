"""The syntax tree of an expression: what was written, with its place in the text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple


class Expr(NamedTuple):
    """A node of the tree. ``start`` and ``end`` are offsets into the text, the end exclusive.

    Kinds, with their ``args`` and ``value``:
        ``null``, ``bool``, ``int``, ``point`` (a Decimal), ``float``, ``text``, ``date``, ``timestamp``: a
        literal;
        ``name``: a reference (``value`` is a `Name`);
        ``neg``, ``not``: one argument; ``and``, ``or``: two or more;
        ``binary``: two arguments, ``value`` is the operator (``+ - * / % = <> < <= > >=``);
        ``in``: the operand, then the list; ``between``: operand, low, high; ``isnull``; ``value``: negated;
        ``like``: the operand and the pattern, ``value`` is (negated, escape or ``None``);
        ``distinct``: two arguments, ``value``: negated (IS NOT DISTINCT FROM);
        ``case``: [operand,] when, then, …[, else], ``value`` is (has operand, has else);
        ``cast``: one argument, ``value`` is (type as written, try, start and end of the type);
        ``call``: arguments, ``value`` is (name in lower case, start and end of the name).
    """

    kind: str
    start: int
    end: int
    args: tuple[Expr, ...] = ()
    value: Any = None


class Name(NamedTuple):
    """A reference as written: ``teacher.id``, ``doc.course``, ``"class-id"``.

    ``name`` is the dotted path without ``doc.`` and quotes; ``forced`` that ``doc.`` stood before it;
    ``quoted`` that the whole of it was one quoted part.
    """

    name: str
    start: int
    end: int
    forced: bool = False
    quoted: bool = False


def names(expr: Expr) -> list[Name]:
    """All references of an expression, in the order of the text, each as often as it stands there."""
    return list(_names(expr))


def _names(expr: Expr) -> Iterator[Name]:
    if expr.kind == "name":
        yield expr.value
    for one in expr.args:
        yield from _names(one)

"""An emitted value with the tests that it stands under, so that one test serves all that is made of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from dashpipe.expr.emit.build import all_of, either, present, simple


class Value(NamedTuple):
    """An expression that has its type's value where all guards hold; where one does not, the value is NULL.

    ``nullable``: the expression may itself be null (then the value is NULL too).
    """

    expr: Any
    guards: tuple[Any, ...] = ()
    nullable: bool = False


def plain(value: Value) -> Any:
    """The value or null."""
    return either(all_of(value.guards), value.expr, None)


def known(value: Value) -> list[Any]:
    """The tests that hold exactly where the value is not NULL."""
    return [*value.guards, *([present(value.expr)] if value.nullable else [])]


def true(value: Value) -> Any:
    """A test that holds exactly where a boolean value is true."""
    return all_of([*value.guards, {"$eq": [value.expr, True]} if value.nullable else value.expr])


def false(value: Value) -> Any:
    """A test that holds exactly where a boolean value is false."""
    inner = {"$eq": [value.expr, False]} if value.nullable else either(value.expr, False, True)
    if not value.nullable and not isinstance(value.expr, bool):
        inner = {"$not": [value.expr]}
    return all_of([*value.guards, inner])


def merged(values: Sequence[Value]) -> tuple[Any, ...]:
    """All guards, each once, in order."""
    found: list[Any] = []
    for value in values:
        found += [one for one in value.guards if one not in found]
    return tuple(found)


def through(values: Sequence[Value], make: Callable[[list[Any]], Any]) -> Value:
    """A value made of others by an operator that gives null for null."""
    nullable = any(one.nullable for one in values)
    return Value(make([one.expr for one in values]), merged(values), nullable)


def strict(values: Sequence[Value], make: Callable[[list[Any]], Any]) -> Value:
    """A value made of others, NULL where one of them is, by an operator that must not see null."""
    held = [
        Value(one.expr, (*one.guards, present(one.expr))) if one.nullable and simple(one.expr) else one
        for one in values
    ]
    bound = {f"a{at}": plain(one) for at, one in enumerate(held) if one.nullable}
    exprs = [f"$$a{at}" if one.nullable else one.expr for at, one in enumerate(held)]
    guards = merged([one for one in held if not one.nullable])
    if not bound:
        return Value(make(exprs), guards)
    inside = either(all_of(present(f"$${name}") for name in bound), make(exprs), None)
    return Value({"$let": {"vars": bound, "in": inside}}, guards, nullable=True)

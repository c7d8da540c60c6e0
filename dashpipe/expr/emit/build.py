"""Small pieces that emitted expressions are made of."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any

from dashpipe.expr.scope import Typed
from dashpipe.expr.types import FieldType


def all_of(tests: Iterable[Any]) -> Any:
    """True where every test is; without one, true."""
    return _joined("$and", tests, neutral=True)


def any_of(tests: Iterable[Any]) -> Any:
    """True where one test is; without one, false."""
    return _joined("$or", tests, neutral=False)


def _joined(operator: str, tests: Iterable[Any], neutral: bool) -> Any:
    flat: list[Any] = []
    for one in tests:
        if one is neutral:
            continue
        if one is not neutral and isinstance(one, bool):
            return one
        flat += one[operator] if isinstance(one, dict) and operator in one else [one]
    if not flat:
        return neutral
    return flat[0] if len(flat) == 1 else {operator: flat}


def negation(test: Any) -> Any:
    """True where a test that is true or false is false."""
    return not test if isinstance(test, bool) else {"$not": [test]}


def present(value: Any) -> Any:
    """True where a value is neither NULL nor missing."""
    return {"$gt": [value, None]}


def either(test: Any, yes: Any, no: Any) -> Any:
    """One of two values, by a test."""
    if isinstance(test, bool):
        return yes if test else no
    return {"$cond": [test, yes, no]}


def named(name: str, value: Any, use: Callable[[Any], Any]) -> Any:
    """An expression that uses a value more than once, computed once where that takes work."""
    if simple(value):
        return use(value)
    return {"$let": {"vars": {name: value}, "in": use(f"$${name}")}}


def simple(value: Any) -> bool:
    """Whether a value costs nothing to read again: a path, a variable or a literal."""
    return not isinstance(value, (dict, list)) or (isinstance(value, dict) and "$literal" in value)


def constant(typed: Typed) -> Any:
    """A literal as it stands in an expression."""
    value = python(typed)
    if isinstance(value, str):
        if typed.type is FieldType.OBJECT_ID:
            return {"$toObjectId": value}
        return {"$literal": value} if value.startswith("$") else value
    return value


def python(typed: Typed) -> bool | int | float | str | Decimal | datetime | None:
    """A literal's value."""
    value = typed.value
    if typed.type is FieldType.NUMBER and isinstance(value, (int, Decimal)):
        return float(value)
    assert value is None or isinstance(value, (bool, int, float, str, Decimal, datetime))
    return value


def in_64_bits(value: Any) -> Any:
    """A whole number; where it left 64 bits, so that the server made a double of it, the run fails."""
    wide = {"$toLong": {"$concat": ["a whole number leaves 64 bits: ", {"$toString": "$$n"}]}}
    return {
        "$let": {"vars": {"n": value}, "in": {"$cond": [{"$eq": [{"$type": "$$n"}, "double"]}, wide, "$$n"]}}
    }

"""The accumulator of a leaf: what a value and a filter test alike is tested once a document."""

from __future__ import annotations

from typing import Any

from dashpipe import expr
from dashpipe.compile.plan import Leaf

_CONVERSIONS = frozenset({"$toDouble", "$toLong", "$toDecimal"})


def accumulator(leaf: Leaf) -> dict[str, Any]:
    """The accumulator of a leaf over documents; NULL never counts (SQL's aggregates skip it)."""
    where = [] if leaf.where is None else _conjuncts(expr.to_condition(leaf.where))
    if leaf.expr is None:
        return {"$sum": _where(where, 1, 0)}
    guards, value = _guarded(expr.to_agg(leaf.expr))
    there = [] if guards and _read(value) else [{"$gt": [value, None]}]
    guards = [one for one in guards if not any(_implies(other, one) for other in where)]
    if leaf.kind == "count":
        return {"$sum": _where([*where, *guards, *there], 1, 0)}
    # The filter outside, the guards inside: that is cheaper than all of them in one test.
    return {f"${leaf.kind}": _where(where, _where(guards, value, None), None)}


def _where(tests: list[Any], yes: Any, no: Any) -> Any:
    if not tests:
        return yes
    return {"$cond": [tests[0] if len(tests) == 1 else {"$and": tests}, yes, no]}


def _conjuncts(test: Any) -> list[Any]:
    return list(test["$and"]) if isinstance(test, dict) and "$and" in test else [test]


def _guarded(value: Any) -> tuple[list[Any], Any]:
    """The tests that a value stands under, and what it is where all of them hold; else it is null."""
    match value:
        case {"$cond": [test, inner, None]}:
            guards, innermost = _guarded(inner)
            return [*_conjuncts(test), *guards], innermost
    return [], value


def _read(value: Any) -> bool:
    """Whether a value is a field, converted at most: under its guards it is never null."""
    if isinstance(value, dict) and _CONVERSIONS & value.keys():
        (value,) = value.values()
    return isinstance(value, str) and value.startswith("$")


def _implies(test: Any, other: Any) -> bool:
    """Whether what passes one test passes another: the same test, or the same bound, as tight."""
    match test, other:
        case {"$gte": [path, float(low)]}, {"$gte": [other_path, float(bound)]}:
            return bool(path == other_path and low >= bound)
        case {"$lte": [path, float(high)]}, {"$lte": [other_path, float(bound)]}:
            return bool(path == other_path and high <= bound)
    return bool(test == other)

"""The value of a leaf under its filter: what a value and a filter test alike is tested once a document."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dashpipe import expr

if TYPE_CHECKING:
    from dashpipe.compile.plan import Leaf

_CONVERSIONS = frozenset({"$toDouble", "$toLong", "$toDecimal"})


def value(leaf: Leaf) -> Any:
    """The leaf's value of a document; null where the filter leaves the document out."""
    where, guards, inner, _ = _tests(leaf)
    # The filter outside, the guards inside: that is cheaper than all of them in one test.
    return chosen(where, chosen(guards, inner, None), None)


def counted(leaf: Leaf) -> Any:
    """1 for a document that passes the filter and has a value (any, where the leaf has none), else 0."""
    if leaf.expr is None:
        return chosen(filters(leaf), 1, 0)
    where, guards, _, there = _tests(leaf)
    return chosen([*where, *guards, *there], 1, 0)


def where_there(leaf: Leaf, yes: Any) -> Any:
    """Something of a document that passes the filter and has a value, else null."""
    where, guards, _, there = _tests(leaf)
    return chosen(where, chosen([*guards, *there], yes, None), None)


def bare(leaf: Leaf) -> Any:
    """The leaf's value of a document that is known to have one: without the guards that make it null."""
    return _tests(leaf)[2]


def filters(leaf: Leaf) -> list[Any]:
    """The tests of the leaf's own filter."""
    return [] if leaf.where is None else _conjuncts(expr.to_condition(leaf.where))


def chosen(tests: list[Any], yes: Any, no: Any) -> Any:
    """One expression where all tests hold, else another."""
    if not tests:
        return yes
    return {"$cond": [tests[0] if len(tests) == 1 else {"$and": tests}, yes, no]}


def _tests(leaf: Leaf) -> tuple[list[Any], list[Any], Any, list[Any]]:
    """The filter, the value's own guards, the value under them, and the test that it is there."""
    assert leaf.expr is not None
    where = filters(leaf)
    guards, inner = _guarded(expr.to_agg(leaf.expr))
    there = [] if guards and _read(inner) else [{"$gt": [inner, None]}]
    return where, [one for one in guards if not any(_implies(other, one) for other in where)], inner, there


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

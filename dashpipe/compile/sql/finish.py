"""A metric from its leaves and from other metrics, as SQL over one row."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from dashpipe.compile.plan import Carried, Column, Formula, Leaf, Mean, OfDays, Ratio, Same, Spread, Value
from dashpipe.compile.sql.aggregates import ZERO
from dashpipe.compile.sql.expression import literal, written

#: The column (or the aggregate) of a leaf in a form.
OfLeaf = Callable[[Leaf, str], str]

#: What another metric is called (or its text).
OfColumn = Callable[[str], str]


def finished(
    column: Column, leaves: Mapping[str, Leaf], leaf: OfLeaf, other: OfColumn, known: str | None = None
) -> str:
    """A metric's value.

    Args:
        column: The metric.
        leaves: The leaves, by id.
        leaf: How a leaf is called.
        other: How another metric is called.
        known: The first partition that has a value, where an offset leads back to before the start.
    """
    made = _value(column, leaves, leaf, other)
    if column.has_empty:
        empty = "[]" if isinstance(column.empty, list) else literal(column.empty)
        made = f"CASE WHEN {matched(column, leaves, leaf)} THEN {made} ELSE {empty} END"
    if known is not None:
        made = f"CASE WHEN partition_date >= '{known}' THEN {made} END"
    return made


def matched(column: Column, leaves: Mapping[str, Leaf], leaf: OfLeaf) -> str:
    """Whether any document matched any of a metric's leaves."""
    tests = []
    for id_, kind in column.matched:
        if id_ not in leaves:
            continue  # of another grain
        form = "count" if kind == "moments" else ""
        told = "" if kind == "daily" else leaf(leaves[id_], form)
        if kind in ZERO or form:
            tests.append(f"coalesce({told}, 0) > 0")
        elif kind == "daily":
            tests.append(f"coalesce({leaf(leaves[id_], 'matched')}, FALSE)")
        elif kind == "top":
            tests.append(f"coalesce(len({told}), 0) > 0")
        else:
            tests.append(f"{told} IS NOT NULL")
    return tests[0] if len(tests) == 1 else f"({' OR '.join(tests)})"


def spread_form(finaliser: Spread) -> str:
    """The aggregate that a spread is of: of a sample of one it is NULL."""
    name = "stddev" if finaliser.root else "var"
    return f"{name}_{'pop' if finaliser.population else 'samp'}"


def _value(column: Column, leaves: Mapping[str, Leaf], leaf: OfLeaf, other: OfColumn) -> str:
    match column.finaliser:
        case Value(id_):
            one = leaves[id_]
            told = leaf(one, "")
            if one.kind in ZERO:
                return f"coalesce({told}, 0)"
            return f"coalesce({told}, [])" if one.kind == "top" else told
        case Carried(own, before):
            return f"coalesce({leaf(leaves[own], '')}, {leaf(leaves[before], '')})"
        case Mean(total, count):
            return f"{leaf(leaves[total], '')} / nullif({leaf(leaves[count], '')}, 0)"
        case Spread(id_, _, _):
            return leaf(leaves[id_], spread_form(column.finaliser))
        case Same(name):
            return other(name)
        case OfDays(id_, name):
            if id_ is not None and id_ in leaves:
                return leaf(leaves[id_], "")
            assert name is not None
            return other(name)
        case Ratio(numerator, denominator, on_zero):
            top, bottom = other(numerator), other(denominator)
            made = f"{top} / nullif({bottom}, 0)"
            if on_zero == 0:
                return f"CASE WHEN {bottom} = 0 AND {top} IS NOT NULL THEN 0 ELSE {made} END"
            return made
        case Formula(typed, refs):
            columns = dict(refs)
            return written(typed, lambda name: other(columns[name]))
    raise AssertionError(column.finaliser)  # pragma: no cover -- the union is closed

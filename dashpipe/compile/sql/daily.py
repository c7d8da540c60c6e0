"""What is made of the values of a partition's days: each key beside each day, then an aggregate of these."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from dashpipe.compile.plan import Leaf
from dashpipe.compile.sql.finish import OfLeaf, finished, matched
from dashpipe.compile.sql.names import cte, quoted, select
from dashpipe.compile.sql.totals import Total


def value(leaf: Leaf, leaves: Mapping[str, Leaf], of_leaf: OfLeaf) -> tuple[str, str]:
    """The value of one day, and whether anything matched on it."""
    daily = leaf.options.daily
    assert daily is not None
    columns = {one.name: one for one in daily.columns}

    def inline(name: str) -> str:
        return f"({finished(columns[name], leaves, of_leaf, inline)})"

    column = columns[daily.column]
    return finished(column, leaves, of_leaf, inline), matched(column, leaves, of_leaf)


def made(
    one: Total, leaf: Leaf, told: tuple[str, str], days: tuple[str, tuple[str, ...]], read: Iterable[Total]
) -> list[str]:
    """The queries: a row for each day of each key, and what is made of them.

    Args:
        one: The query to make, with its columns.
        leaf: What it computes.
        told: The value of a day, and whether anything matched.
        days: The table of the days, and its columns.
        read: The aggregates by day that may be read.
    """
    daily = leaf.options.daily
    assert daily is not None
    name, (label, day) = days
    keys = [quoted(each) for each in one.keys]
    source = f"keys\n  JOIN {name} ON {name}.{label} = keys.{label}"
    for total in read:
        tests = [f"{total.name}.{label} = keys.{label}", f"{total.name}.{day} = {name}.{day}"]
        tests += [f"{total.name}.{each} IS NOT DISTINCT FROM keys.{each}" for each in keys]
        source += f"\n  LEFT JOIN {total.name} ON " + "\n    AND ".join(tests)
    shown = [*(f"keys.{each}" for each in (label, *keys)), f"{told[0]} AS value", f"{told[1]} AS hit"]
    forms = {"": f"{daily.how}(value)", "matched": "bool_or(hit)"}
    columns = [label, *keys, *(f"{forms[form]} AS {each}" for each, form in one.columns)]
    each_day = f"{one.name}_each"
    return [
        cte(each_day, select(shown, source)),
        cte(one.name, select(columns, each_day) + "\n  GROUP BY ALL"),
    ]

"""Retention as a query: entities by the period of their first document, and who of them comes again."""

from __future__ import annotations

from dashpipe.compile.plan import Leaf
from dashpipe.compile.sql.aggregates import conditions, joined
from dashpipe.compile.sql.documents import DAY
from dashpipe.compile.sql.names import cte, quoted, select
from dashpipe.compile.sql.totals import Total
from dashpipe.spec.model import WEEKDAYS, Calendar, Grain

#: Whose documents they are, in which period, the first of all, and whether any of them counts as coming back.
_ENTITY, _PERIOD, _FIRST, _AGAIN = "_entity", "_period", "_first", "_again"


def retained(one: Total, leaf: Leaf, grain: Grain, calendar: Calendar, documents: str) -> str:
    """The query of the lists of shares.

    Args:
        one: The aggregate query, with its one column.
        leaf: What is followed.
        grain: The grain of its periods.
        calendar: The subject's calendar.
        documents: The query of all documents of its source.
    """
    assert leaf.expr is not None
    keys = [quoted(each) for each in one.keys]
    seen, known = f"{one.name}_seen", f"{one.name}_known"
    again = " AND ".join(conditions(leaf, one.reader, there=False)) or "TRUE"
    shown = [*keys, f"{one.reader.text(leaf.expr)} AS {_ENTITY}", f"{_period(grain, calendar)} AS {_PERIOD}"]
    tests = joined([f"{_ENTITY} IS NOT NULL"])
    each = select([*shown, f"bool_or({again}) AS {_AGAIN}"], documents)
    first = f"min({_PERIOD}) OVER (PARTITION BY {', '.join([*keys, _ENTITY])}) AS {_FIRST}"
    cohort = f"count(*) FILTER (WHERE {_PERIOD} = {_FIRST})"
    shares = [
        f"count(*) FILTER (WHERE {_PERIOD} = {_FIRST} + {_later(grain, later)} AND {_AGAIN}) / {cohort}"
        for later in range(leaf.options.periods + 1)
    ]
    ((name, _),) = one.columns
    listed = f"[{', '.join(shares)}] AS {name}"
    columns = [f"strftime({_FIRST}, '%Y-%m-%d') AS partition_date", *keys, listed]
    return ",\n".join(
        [
            cte(seen, f"{each}\n  GROUP BY ALL"),
            cte(known, select(["*", first], f"{seen}\n  WHERE {tests}")),
            cte(one.name, f"{select(columns, known)}\n  GROUP BY ALL"),
        ]
    )


def _period(grain: Grain, calendar: Calendar) -> str:
    """The first day of the period that holds a document's day."""
    if grain is Grain.DAY:
        return DAY
    if grain is Grain.WEEK:
        begins = WEEKDAYS.index(calendar.week_start)
        return f"CAST(date_trunc('week', {DAY} - {begins}) AS DATE) + {begins}"
    return f"CAST(date_trunc('{grain.value}', {DAY}) AS DATE)"


def _later(grain: Grain, periods: int) -> str:
    months = {Grain.MONTH: 1, Grain.QUARTER: 3, Grain.YEAR: 12}.get(grain)
    if months is not None:
        return f"INTERVAL {periods * months} MONTH"
    return f"INTERVAL {periods * (7 if grain is Grain.WEEK else 1)} DAY"

"""Retention as a query: entities by the period of their first document, and who of them comes again."""

from __future__ import annotations

from itertools import pairwise

from dashpipe.compile.plan import Leaf
from dashpipe.compile.sql.aggregates import conditions, joined
from dashpipe.compile.sql.documents import DAY
from dashpipe.compile.sql.names import cte, quoted, select
from dashpipe.compile.sql.totals import Total
from dashpipe.spec.model import FISCAL, WEEKDAYS, Calendar, Grain

#: Whose documents they are, in which period, the first of all, and whether any of them counts as coming back.
_ENTITY, _PERIOD, _FIRST, _AGAIN = "_entity", "_period", "_first", "_again"

#: Of a calendar file: the place of a period, its first day and the day after it.
_NUMBER, _BEGINS, _ENDS = "_number", "_begins", "_ends"

_MONTHS = {Grain.MONTH: 1, Grain.QUARTER: 3, Grain.YEAR: 12, **FISCAL}


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
    seen, known, listed = f"{one.name}_seen", f"{one.name}_known", f"{one.name}_periods"
    days = calendar.fiscal.days if grain in FISCAL and calendar.fiscal is not None else ()
    again = " AND ".join(conditions(leaf, one.reader, there=False)) or "TRUE"
    period = _NUMBER if days else _period(grain, calendar)
    shown = [*keys, f"{one.reader.text(leaf.expr)} AS {_ENTITY}", f"{period} AS {_PERIOD}"]
    tests = joined([f"{_ENTITY} IS NOT NULL"])
    of_day = f" JOIN {listed} ON {DAY} >= {_BEGINS} AND {DAY} < {_ENDS}" if days else ""
    each = select([*shown, f"bool_or({again}) AS {_AGAIN}"], documents + of_day)
    first = f"min({_PERIOD}) OVER (PARTITION BY {', '.join([*keys, _ENTITY])}) AS {_FIRST}"
    cohort = f"count(*) FILTER (WHERE {_PERIOD} = {_FIRST})"
    shares = [
        f"count(*) FILTER (WHERE {_PERIOD} = {_FIRST} + {_later(grain, later, days)} AND {_AGAIN}) / {cohort}"
        for later in range(leaf.options.periods + 1)
    ]
    ((name, _),) = one.columns
    begins = f"(SELECT {_BEGINS} FROM {listed} WHERE {_NUMBER} = {_FIRST})" if days else _FIRST
    columns = [
        f"strftime({begins}, '%Y-%m-%d') AS partition_date",
        *keys,
        f"[{', '.join(shares)}] AS {name}",
    ]
    return ",\n".join(
        [
            *([_listed(listed, days[:: FISCAL[grain]])] if days else []),
            cte(seen, f"{each}\n  GROUP BY ALL"),
            cte(known, select(["*", first], f"{seen}\n  WHERE {tests}")),
            cte(one.name, f"{select(columns, known)}\n  GROUP BY ALL"),
        ]
    )


def _listed(name: str, days: tuple[str, ...]) -> str:
    """The periods of a calendar file as a table of literals; the last day ends the last of them."""
    lines = [f"    ({at}, DATE '{a}', DATE '{b}')" for at, (a, b) in enumerate(pairwise(days))]
    return f"{name}({_NUMBER}, {_BEGINS}, {_ENDS}) AS (\n  VALUES\n" + ",\n".join(lines) + "\n)"


def _period(grain: Grain, calendar: Calendar) -> str:
    """The first day of the period that holds a document's day."""
    if grain is Grain.DAY:
        return DAY
    if grain is Grain.WEEK:
        begins = WEEKDAYS.index(calendar.week_start)
        return f"CAST(date_trunc('week', {DAY} - {begins}) AS DATE) + {begins}"
    unit, shift = grain.value.removeprefix("fiscal_"), 0
    if grain in FISCAL and calendar.fiscal is not None:
        shift = (calendar.fiscal.first_month or 1) - 1
    if not shift:
        return f"CAST(date_trunc('{unit}', {DAY}) AS DATE)"
    month = f"date_trunc('month', {DAY}) - INTERVAL {shift} MONTH"
    return f"CAST(date_trunc('{unit}', {month}) + INTERVAL {shift} MONTH AS DATE)"


def _later(grain: Grain, periods: int, days: tuple[str, ...]) -> str:
    if days:
        return str(periods)
    months = _MONTHS.get(grain)
    if months is not None:
        return f"INTERVAL {periods * months} MONTH"
    return f"INTERVAL {periods * (7 if grain is Grain.WEEK else 1)} DAY"

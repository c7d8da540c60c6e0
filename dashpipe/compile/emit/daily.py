"""Averages, least and greatest values of the days of a partition, of what is cumulative.

The days of a partition have parts in a collection of their own, ``{_id: key text, p: "partition@day", …}``:
``emit.scans`` and ``emit.over_states`` put the states of what each day reaches back to there, and
``days_of`` a part for each day of each row, since a day without documents has a value too. ``over_days``
finishes each day's value as a row's would be, and puts what is made of these on the parts of the rows.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from dashpipe.compile.covers import covers
from dashpipe.compile.emit.columns import computed, made_of, matched, problems
from dashpipe.compile.emit.grouping import text_of
from dashpipe.compile.emit.reach import Days, rowed
from dashpipe.compile.emit.stages import Stages
from dashpipe.compile.frame import Frame, by_day
from dashpipe.compile.keys import of_rows
from dashpipe.compile.plan import Column, Leaf, Plan
from dashpipe.expr import FieldType
from dashpipe.spec.model import Grain


def days_of(
    plan: Plan, grain: Grain, of: Days, labels: tuple[str, ...], as_of: datetime | None = None
) -> Stages:
    """The pipeline that yields a part for each day of each row, run on the parts of the rows.

    Args:
        plan: The plan.
        grain: The grain of the rows.
        of: Of which days.
        labels: The partitions.
        as_of: The run's instant: days that begin later have no value; ``None``: all partitions are over.
    """
    days: dict[str, list[str]] = {}
    for one in covers(by_day(Frame(shifts=of.shifts)), grain, labels, plan.subject.calendar, as_of):
        days.setdefault(one.label, []).append(one.day)
    listed = [{"p": label, "d": some} for label, some in days.items()]
    mine = {"$filter": {"input": {"$literal": listed}, "as": "one", "cond": {"$eq": ["$$one.p", "$p"]}}}
    named: dict[str, Any] = {
        "o": "$_id",
        "k": 1,
        "d": {"$let": {"vars": {"one": {"$first": mine}}, "in": "$$one.d"}},
    }
    place = {"$concat": ["$p", "@", "$d"]}
    made = {"_id": text_of(of_rows(plan).sources[0].key, place, "$k"), "p": place, "k": 1, "o": 1}
    return [
        {"$match": {"p": {"$in": list(days)}, **rowed(plan, grain)}},
        {"$project": {**named, "p": 1}},
        {"$unwind": "$d"},
        {"$project": made},
    ]


def over_days(plan: Plan, grain: Grain, of: Days) -> Stages:
    """The pipeline that makes of the parts of days what goes to the parts of rows, run on the former."""
    wanted = [leaf for one in plan.sources for leaf in one.daily_at(grain) if leaf.frame.shifts == of.shifts]
    columns = _columns(wanted)
    places = {name: f"c{at}" for at, name in enumerate(columns)}
    leaves = {leaf.id: leaf for one in plan.sources for leaf in one.framed_at(grain) if leaf.frame.daily}
    group: dict[str, Any] = {"_id": "$o"}
    states: dict[str, Any] = {}
    for leaf in wanted:
        daily = leaf.options.daily
        assert daily is not None
        read = {one.name: one for one in daily.columns}
        found = problems(tuple(read.values()), places, _read(read.values(), leaves))
        value: Any = f"${places[daily.column]}"
        if daily.how == "avg" and leaf.type is FieldType.NUMBER:
            value = {"$toDouble": value}  # one engine averages no longs above 2^53
        group[f"{leaf.id}_v"] = {f"${daily.how}": value}
        group[f"{leaf.id}_m"] = {"$max": {"$cond": [matched(read[daily.column]), 1, 0]}}
        states[leaf.id] = {"v": f"${leaf.id}_v", "m": f"${leaf.id}_m"}
        if found:
            first = {"$first": {"$setDifference": [found, [None]]}}
            group[f"{leaf.id}_x"] = {"$max": {"$ifNull": [first, None]}}
            states[leaf.id]["x"] = f"${leaf.id}_x"
    return [
        {"$match": {"o": {"$exists": True}}},
        *computed(tuple(columns.values()), leaves, places),
        {"$group": group},
        {"$project": states},
    ]


def _columns(leaves: Iterable[Leaf]) -> dict[str, Column]:
    """The columns that days need, by name, each after those that it reads."""
    found: dict[str, Column] = {}
    for leaf in leaves:
        for one in leaf.options.daily.columns if leaf.options.daily is not None else ():
            found.setdefault(one.name, one)
    return found


def _read(columns: Iterable[Column], leaves: dict[str, Leaf]) -> dict[str, Leaf]:
    """The leaves that columns are made of."""
    ids = {id_ for one in columns for id_ in made_of(one.finaliser)}
    return {id_: leaf for id_, leaf in leaves.items() if id_ in ids}

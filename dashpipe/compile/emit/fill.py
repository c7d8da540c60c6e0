"""Rows that are added for keys with a row of their own in the time before, from parts and stored rows.

Only rows of documents count as a key's own: what was added before never leads to more.
"""

from __future__ import annotations

from typing import Any

from dashpipe.compile.emit.columns import matched
from dashpipe.compile.emit.grouping import part
from dashpipe.compile.emit.scan import Ref, merge
from dashpipe.compile.emit.stages import Stages
from dashpipe.compile.keys import of_rows
from dashpipe.compile.offsets import window_start
from dashpipe.compile.periods import day_of
from dashpipe.compile.plan import Column, Plan
from dashpipe.compile.written import literal
from dashpipe.spec.model import Calendar, Grain, Period

#: The mark of a row that was added, and of its part.
MARK = "filled"

#: The filter for the rows that documents are behind.
OWN = {MARK: {"$ne": True}}


def since(periods: tuple[Period, ...], label: str, calendar: Calendar) -> tuple[str, ...]:
    """For each length of time, the day from which on a partition of the key's own leads to this one."""
    day = day_of(label)
    return tuple(window_start(day, one.n, Grain(one.unit), calendar).isoformat() for one in periods)


def filled(
    plan: Plan,
    grain: Grain,
    labels: tuple[str, ...],
    computed: tuple[str, ...],
    target: str,
    into: Ref | None,
) -> Stages:
    """The pipeline that adds parts, run on the parts of a grain before anything but their own is in them.

    Args:
        plan: The plan; it fills this grain.
        grain: The grain.
        labels: The partitions that may get rows.
        computed: All partitions that this run computes: of the others, the stored rows count.
        target: The target collection of the grain, in the same database.
        into: The collection of parts, or ``None`` to yield them.
    """
    periods = plan.fills(grain)
    calendar = plan.subject.calendar
    taking = [
        {"p": label, "a": min(begin), **{f"a{at}": one for at, one in enumerate(begin)}}
        for label in labels
        for begin in (since(periods, label, calendar),)
    ]
    key = of_rows(plan).sources[0].key
    span = {"$gte": min(one["a"] for one in taking), "$lt": max(labels)}
    own = {"$or": [{one.presence.id: {"$exists": True}} for one in plan.sources]}
    ours = {"p": 1, **{f"k{at}": f"$k.{one.name}" for at, one in enumerate(key)}}
    stored: dict[str, Any] = {"p": "$partition_date"}
    stored |= {f"k{at}": {"$ifNull": [f"${one.name}", None]} for at, one in enumerate(key)}
    others = [
        {"$match": {"partition_date": span, "$nor": [{"partition_date": {"$in": list(computed)}}], **OWN}},
        {"$project": {"_id": 0, **stored}},
    ]
    led = {"$and": [{"$gte": ["$p", "$$one.a"]}, {"$lt": ["$p", "$$one.p"]}]}
    to = {"$filter": {"input": {"$literal": taking}, "as": "one", "cond": led}}
    group = {"p": "$to.p", **{f"k{at}": f"$k{at}" for at in range(len(key))}}
    edges = {f"a{at}": {"$first": f"$to.a{at}"} for at in range(len(periods))}
    marks = {f"{MARK}{at}": {"$gte": ["$last", f"$a{at}"]} for at in range(len(periods))}
    return [
        {"$match": {"$and": [{"p": span}, own]}},
        {"$project": {"_id": 0, **ours}},
        {"$unionWith": {"coll": target, "pipeline": others}},
        {"$project": {**dict.fromkeys(group, 1), "to": to}},
        {"$unwind": "$to"},
        {"$group": {"_id": group, "last": {"$max": "$p"}, **edges}},
        part(key, {MARK: {"$literal": True}, **marks}),
        *merge(into, keep=True),
    ]


def value(plan: Plan, grain: Grain, column: Column, made: Any) -> Any:
    """What a row holds of a column: in one that was added, its fill where nothing matched."""
    periods = plan.fills(grain)
    if column.fill is None or not periods:
        return made
    within = {"$eq": [f"${MARK}{periods.index(column.fill.period)}", True]}
    added = {"$and": [within, {"$not": [matched(column)]}]}
    return {"$cond": [added, literal(column.fill.value, column.type), made]}


def mark(plan: Plan, grain: Grain) -> dict[str, Any]:
    """The field that tells of a row that it was added; others have none."""
    if not plan.fills(grain):
        return {}
    return {MARK: {"$cond": [{"$eq": [f"${MARK}", True]}, True, "$$REMOVE"]}}

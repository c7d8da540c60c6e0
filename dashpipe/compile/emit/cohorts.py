"""Cohorts: entities by the partition of their first document, and who of them is seen in those after it.

The first is that of all history, also of before the subject's start, so that nobody is new twice.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from dashpipe import expr
from dashpipe.compile import instant, partition
from dashpipe.compile.covers import covers
from dashpipe.compile.emit import labels as lb
from dashpipe.compile.emit.grouping import part
from dashpipe.compile.emit.scan import documents
from dashpipe.compile.emit.spread import instants
from dashpipe.compile.emit.stages import Stages
from dashpipe.compile.leaves import collected
from dashpipe.compile.periods import ahead, day_of
from dashpipe.compile.plan import Aggregate, Leaf, Plan
from dashpipe.spec.model import Grain


def retained(plan: Plan, grain: Grain, source: str) -> tuple[Leaf, ...]:
    """The leaves of a source and grain that follow cohorts."""
    return tuple(leaf for leaf in plan.source(source).leaves_at(grain) if leaf.kind == "retention")


def cohorts(
    plan: Plan, grain: Grain, leaf: Leaf, labels: tuple[str, ...], as_of: datetime | None = None
) -> Stages:
    """The pipeline that yields the parts of some partitions with the shares of their cohorts.

    Args:
        plan: The plan.
        grain: The grain of the partitions.
        leaf: What is followed.
        labels: The partitions.
        as_of: The run's instant: what begins later has not happened yet; ``None``: all has.
    """
    source, calendar = plan.source(leaf.source), plan.subject.calendar
    spans = instants(covers(leaf.frame, grain, labels, calendar), calendar)
    filters = () if source.where is None else (source.where,)
    match = instant.between(source.source.time, spans)
    stages = documents(plan, source, Aggregate(source.name, (leaf,), filters), (leaf,), grain, labels, match)
    moment = instant.value(source.source.time)
    assert leaf.expr is not None
    # An entity is a matter of its row's key: who is new in one country may be known in another.
    who: dict[str, Any] = {"e": expr.to_agg(leaf.expr)}
    for at, key in enumerate(source.key):
        who[f"k{at}"] = lb.key_value(key, expr.to_agg(key.expr), calendar.timezone)
    again: Any = 1 if leaf.where is None else {"$cond": [expr.to_condition(leaf.where), 1, 0]}
    each = {"_id": {"g": who, "p": lb.of_time(grain, moment, calendar, labels)}, "s": {"$max": again}}
    first = {"$min": "$_id.p", "window": {"documents": ["unbounded", "unbounded"]}}
    row = {"p": "$first", **{f"k{at}": f"$_id.g.k{at}" for at in range(len(source.key))}}
    fields, states = collected((leaf,), moment)
    known = [_followed(plan, grain, label, leaf.options.periods, as_of) for label in labels]
    own = {"$filter": {"input": {"$literal": known}, "as": "one", "cond": {"$eq": ["$$one.p", "$first"]}}}
    return [
        *stages,
        {"$group": each},
        {"$match": {"_id.g.e": {"$ne": None}}},
        {"$setWindowFields": {"partitionBy": "$_id.g", "sortBy": {"_id.p": 1}, "output": {"first": first}}},
        {"$match": {"first": {"$in": list(labels)}}},
        {"$set": {"c": {"$first": own}}},
        {"$set": {"j": {"$indexOfArray": ["$c.s", "$_id.p"]}}},
        {"$group": {"_id": row, "b": {"$first": "$c.b"}, **fields}},
        part(source.key, states),
    ]


def _followed(plan: Plan, grain: Grain, label: str, periods: int, as_of: datetime | None) -> dict[str, Any]:
    """A partition with those after it that its calendar has, and how many of them have begun."""
    calendar = plan.subject.calendar
    names = [one.isoformat() for one in ahead(grain, day_of(label), periods, calendar)[:-1]]
    begun = sum(as_of is None or partition.bounds(grain, one, calendar)[0] < as_of for one in names)
    return {"p": label, "s": names, "b": begun}

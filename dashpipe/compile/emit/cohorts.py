"""Cohorts: entities by the partition of their first document, and who of them is seen in those after it.

The first is that of all history, also of before the subject's start, so that nobody is new twice. What runs
on the source tells who was met in which partition, ``{g: {e: entity, k0: …}, p: partition, s: seen again}``;
all that comes before the oldest partition that is asked for is of one, named by the day before it.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from dashpipe import expr
from dashpipe.compile import instant, partition
from dashpipe.compile.covers import Cover, covers
from dashpipe.compile.emit import labels as lb
from dashpipe.compile.emit.grouping import part
from dashpipe.compile.emit.scan import documents
from dashpipe.compile.emit.spread import instants
from dashpipe.compile.emit.stages import Stage, Stages
from dashpipe.compile.leaves import collected
from dashpipe.compile.periods import ahead, day_of, first_day
from dashpipe.compile.plan import Aggregate, Leaf, Plan
from dashpipe.spec.model import COHORTS, FISCAL, Grain

_DAY = timedelta(days=1)


def retained(plan: Plan, grain: Grain, source: str) -> tuple[Leaf, ...]:
    """The leaves of a source and grain that follow cohorts."""
    return tuple(leaf for leaf in plan.source(source).leaves_at(grain) if leaf.kind in COHORTS)


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
    every = covers(leaf.frame, grain, labels, plan.subject.calendar)
    return [*met(plan, grain, leaf, labels, every), *shares(plan, grain, leaf, labels, as_of)]


def who(plan: Plan, leaf: Leaf) -> Stage:
    """An entity, as expressions over a document: it is a matter of its row's key.

    Who is new in one country may be known in another.
    """
    assert leaf.expr is not None
    key, zone = plan.source(leaf.source).key, plan.subject.timezone
    row = {f"k{at}": lb.key_value(one, expr.to_agg(one.expr), zone) for at, one in enumerate(key)}
    return {"e": expr.to_agg(leaf.expr), **row}


def before(labels: tuple[str, ...]) -> str:
    """What the partition is named that all documents before some partitions are of."""
    return (day_of(min(labels)) - _DAY).isoformat()


def read(plan: Plan, leaf: Leaf, grain: Grain, labels: tuple[str, ...], taken: Iterable[Cover]) -> Stages:
    """The stages that yield the documents of a leaf's source that some covers take."""
    source = plan.source(leaf.source)
    match = instant.between(source.source.time, instants(taken, plan.subject.calendar))
    filters = () if source.where is None else (source.where,)
    aggregate = Aggregate(source.name, (leaf,), filters)
    return documents(plan, source, aggregate, (leaf,), grain, labels, match)


def met(plan: Plan, grain: Grain, leaf: Leaf, labels: tuple[str, ...], taken: Iterable[Cover]) -> Stages:
    """The pipeline that tells who was met when in what some covers take, run on the source."""
    moment = instant.value(plan.source(leaf.source).source.time)
    again: Any = 1 if leaf.where is None else {"$cond": [expr.to_condition(leaf.where), 1, 0]}
    near = _periods(plan, leaf, grain, labels)
    met_in = {"$max": [lb.of_time(grain, moment, plan.subject.calendar, near), before(labels)]}
    return [
        *read(plan, leaf, grain, near, taken),
        {"$group": {"_id": {"g": who(plan, leaf), "p": met_in}, "s": {"$max": again}}},
        {"$match": {"_id.g.e": {"$ne": None}}},
        {"$project": {"_id": 0, "g": "$_id.g", "p": "$_id.p", "s": 1}},
    ]


def _periods(plan: Plan, leaf: Leaf, grain: Grain, labels: tuple[str, ...]) -> tuple[str, ...]:
    """The partitions that documents are told apart by: of a calendar file only those near some are.

    These are all that are followed; where the newest document of each counts, all that there are before, too.
    """
    calendar = plan.subject.calendar
    followed = (ahead(grain, day_of(one), leaf.options.periods, calendar)[:-1] for one in labels)
    days = {day for some in followed for day in some}
    if plan.source(leaf.source).unique and calendar.fiscal is not None and grain in FISCAL:
        days.update(first_day(grain, day_of(one), calendar) for one in calendar.fiscal.days[:-1])
    return tuple(day.isoformat() for day in sorted(days))


def shares(plan: Plan, grain: Grain, leaf: Leaf, labels: tuple[str, ...], as_of: datetime | None) -> Stages:
    """The stages from who was met when to the parts of some partitions."""
    key = plan.source(leaf.source).key
    first = {"$min": "$p", "window": {"documents": ["unbounded", "unbounded"]}}
    row = {"p": "$first", **{f"k{at}": f"$g.k{at}" for at in range(len(key))}}
    fields, states = collected((leaf,), None)
    known = [_followed(plan, grain, label, leaf.options.periods, as_of) for label in labels]
    own = {"$filter": {"input": {"$literal": known}, "as": "one", "cond": {"$eq": ["$$one.p", "$first"]}}}
    return [
        {"$setWindowFields": {"partitionBy": "$g", "sortBy": {"p": 1}, "output": {"first": first}}},
        {"$match": {"first": {"$in": list(labels)}}},
        {"$set": {"c": {"$first": own}}},
        {"$set": {"j": {"$indexOfArray": ["$c.s", "$p"]}}},
        {"$group": {"_id": row, "b": {"$first": "$c.b"}, **fields}},
        part(key, states),
    ]


def _followed(plan: Plan, grain: Grain, label: str, periods: int, as_of: datetime | None) -> dict[str, Any]:
    """A partition with those after it that its calendar has, and how many of them have begun."""
    calendar = plan.subject.calendar
    names = [one.isoformat() for one in ahead(grain, day_of(label), periods, calendar)[:-1]]
    begun = sum(as_of is None or partition.bounds(grain, one, calendar)[0] < as_of for one in names)
    return {"p": label, "s": names, "b": begun}

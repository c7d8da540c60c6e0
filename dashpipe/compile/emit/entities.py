"""Cohorts over what is kept: of each entity, the first day that it was met, of all days up to one.

What is kept is ``{grain, source, gen, b: {e: entity, k0: …}, s: its first day}``, a document an entity and
row's key. Whoever is in it with a day before the oldest partition that is asked for is new in none of them.
All else that tells who is new lies in the documents from that partition on, in those of the days that a state
does not take yet, and in those before the first that it takes. So these are all that is read of the source,
and the state may well reach into the cohorts.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

from dashpipe.compile import instant
from dashpipe.compile.covers import Cover, covers
from dashpipe.compile.emit import labels as lb
from dashpipe.compile.emit.cohorts import before, met, read, shares, who
from dashpipe.compile.emit.running import Standing, of_generation
from dashpipe.compile.emit.scan import Ref, merge
from dashpipe.compile.emit.stages import Stages
from dashpipe.compile.periods import day_of
from dashpipe.compile.plan import Leaf, Plan, Running
from dashpipe.spec.model import Grain

_DAY = timedelta(days=1)


def newer(
    plan: Plan, grain: Grain, leaf: Leaf, labels: tuple[str, ...], standing: Standing, start: date | None
) -> Stages:
    """The pipeline that tells who was met since the oldest of some partitions or a state, run on the source.

    Args:
        plan: The plan.
        grain: The grain of the partitions.
        leaf: What is followed.
        labels: The partitions.
        standing: The state.
        start: The first day that a state takes, where documents lie before it: these are read too.
    """
    since = min(day_of(min(labels)), date.fromisoformat(standing.reach) + _DAY)
    taken: list[Cover] = []
    for one in covers(leaf.frame, grain, labels, plan.subject.calendar):
        taken.append(replace(one, start=since))
        if start is not None:
            taken.append(replace(one, end=start))
    return met(plan, grain, leaf, labels, taken)


def followed(
    plan: Plan,
    grain: Grain,
    leaf: Leaf,
    labels: tuple[str, ...],
    standing: Standing,
    as_of: datetime | None,
    into: Ref | None,
) -> Stages:
    """The pipeline from what is kept and what ``newer`` gave to parts of partitions, run on the latter."""
    running = plan.running_apart(leaf, grain)
    assert running is not None
    mine = of_generation(running.name, running.atom, standing.gen)
    known: Stages = [
        {"$match": {**mine, "s": {"$lt": min(labels)}}},
        {"$project": {"_id": 0, "g": "$b", "p": "$s", "s": {"$literal": 0}}},
    ]
    union = {"$unionWith": {"coll": standing.collection, "pipeline": known}}
    # Every pipeline begins with a filter (``emit.verify``); this one passes all of them.
    every = {"$match": {"p": {"$gte": before(labels)}}}
    return [every, union, *shares(plan, grain, leaf, labels, as_of), *merge(into)]


def of_days(plan: Plan, running: Running, start: date, reach: date) -> Stages:
    """The pipeline that yields the first day of each entity that is met in some days, run on the source."""
    leaf, time = running.leaves[0], plan.source(running.source).source.time
    taken = Cover(reach.isoformat(), start, reach + _DAY)
    day: Any = lb.of_time(Grain.DAY, instant.value(time), plan.subject.calendar, ())
    if not instant.exact(time):
        # The filter lets some of the days around through: what is kept is of these days alone.
        inside = {"$and": [{"$gte": ["$$day", start.isoformat()]}, {"$lte": ["$$day", taken.label]}]}
        day = {"$let": {"vars": {"day": day}, "in": {"$cond": [inside, "$$day", None]}}}
    return [
        *read(plan, leaf, Grain.DAY, (taken.label,), (taken,)),
        {"$group": {"_id": who(plan, leaf), "m": {"$min": day}}},
        {"$match": {"_id.e": {"$ne": None}}},
        {"$project": {"_id": 0, "b": "$_id", "m": 1}},
    ]

"""Conversions: the events of both sources side by side, each conversion given to its base event.

Events are ``{e: entity, t: instant, b: 1 or 0, i: _id of a base event, p, k0, …}`` in a collection of their
own, so that the two sources may be anywhere. A conversion goes to the entity's latest base event at or before
it (ties: the greatest ``_id``), wherever that lies; it counts on the row of that event, if it came within the
window.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from dashpipe import expr
from dashpipe.compile import instant, partition
from dashpipe.compile.emit import labels as lb
from dashpipe.compile.emit.grouping import part
from dashpipe.compile.emit.scan import documents
from dashpipe.compile.emit.stages import Stages
from dashpipe.compile.leaves import collected
from dashpipe.compile.offsets import window_start
from dashpipe.compile.plan import Aggregate, Journey, Leaf, Plan
from dashpipe.spec.model import Calendar, Grain, Period

_DAY = timedelta(days=1)


def journeys(plan: Plan, grain: Grain, source: str) -> list[tuple[Journey, tuple[Leaf, ...]]]:
    """What the leaves of a source and grain follow, each with its leaves."""
    found: dict[tuple[str, str, str], tuple[Journey, tuple[Leaf, ...]]] = {}
    for leaf in plan.source(source).leaves_at(grain):
        one = leaf.options.journey
        if one is not None:
            key = (one.base.id, one.conversion.id, str(one.window))
            found[key] = (one, (*found.get(key, (one, ()))[1], leaf))
    return list(found.values())


def events(plan: Plan, journey: Journey, grain: Grain, labels: tuple[str, ...]) -> list[tuple[str, Stages]]:
    """The pipelines that yield the events which some partitions need, each to be run on its source.

    Args:
        plan: The plan.
        journey: What is followed.
        grain: The grain of the partitions.
        labels: The partitions.
    """
    calendar = plan.subject.calendar
    spans = [
        (start, _after(end, journey.window, calendar))
        for start, end in partition.ranges(grain, labels, calendar)
    ]
    made: list[tuple[str, Stages]] = []
    for leaf, base in ((journey.base, 1), (journey.conversion, 0)):
        source = plan.source(leaf.source)
        filters = tuple(one for one in (source.where, leaf.where) if one is not None)
        aggregate = Aggregate(source.name, (leaf,), filters)
        moment = instant.value(source.source.time)
        match = instant.between(source.source.time, spans, exactly=True)
        stages = documents(plan, source, aggregate, (leaf,), grain, labels, match)
        assert leaf.expr is not None
        event: dict[str, Any] = {"_id": 0, "e": expr.to_agg(leaf.expr), "t": moment, "b": {"$literal": base}}
        if base:
            event |= {"i": "$_id", "p": lb.of_time(grain, moment, calendar, labels)}
            for at, key in enumerate(source.key):
                event[f"k{at}"] = lb.key_value(key, expr.to_agg(key.expr), calendar.timezone)
        made.append((source.name, [*stages, {"$project": event}, {"$match": {"e": {"$ne": None}}}]))
    return made


def attributed(plan: Plan, journey: Journey, leaves: tuple[Leaf, ...], labels: tuple[str, ...]) -> Stages:
    """The pipeline from the events to the parts of the base source, run on the events."""
    key = plan.source(journey.base.source).key
    is_base = {"$eq": ["$b", 1]}
    latest = {"$max": {"$cond": [is_base, {"t": "$t", "i": "$i"}, None]}}
    so_far = {**latest, "window": {"documents": ["unbounded", "current"]}}
    # At one instant base events come first: a conversion at the same moment follows from them.
    window = {"partitionBy": "$e", "sortBy": {"t": 1, "b": -1}, "output": {"m": so_far}}
    unit, n = journey.window.unit, journey.window.n
    until = {"$dateAdd": {"startDate": "$m.t", "unit": unit, "amount": n, "timezone": plan.subject.timezone}}
    follows = {"$and": [{"$eq": ["$b", 0]}, {"$lt": ["$t", until]}]}
    group: dict[str, Any] = {"_id": {"$cond": [is_base, "$i", "$m.i"]}}
    for name in ("p", *(f"k{at}" for at in range(len(key)))):
        group[name] = {"$max": {"$cond": [is_base, f"${name}", None]}}
    group["n"] = {"$sum": {"$cond": [follows, 1, 0]}}
    fields, states = collected(leaves, "$t")
    row = {"p": "$p", **{f"k{at}": f"$k{at}" for at in range(len(key))}}
    return [
        {"$match": {"e": {"$ne": None}}},
        {"$setWindowFields": window},
        {"$match": {"$or": [{"b": 1}, {"m": {"$ne": None}}]}},
        {"$group": group},
        {"$match": {"p": {"$in": list(labels)}}},
        {"$group": {"_id": row, **fields}},
        part(key, states),
    ]


def _after(end: Any, window: Period, calendar: Calendar) -> Any:
    """An instant at or after the end of the window of any event before ``end``."""
    if window.unit == "hour":
        return end + timedelta(hours=window.n + 1)
    day = partition.local_date(end, calendar.timezone) + _DAY
    last = window_start(day, -window.n, Grain(window.unit), calendar)
    return partition.midnight(last + _DAY, calendar.timezone)

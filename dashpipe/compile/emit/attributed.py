"""Each conversion is given to its base event, and counts on the row of that.

It goes to the entity's latest base event at or before it (ties: the greatest ``_id``), wherever that lies, if
it came within the window. What covers time beside its row's partition is counted by the day (or hour) of the
base event first, and goes from there to the partitions that take that.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from dashpipe.compile.covers import covers
from dashpipe.compile.emit.grouping import part
from dashpipe.compile.emit.reach import Beside, place_of
from dashpipe.compile.emit.scan import spread_over
from dashpipe.compile.emit.stages import Stages
from dashpipe.compile.frame import Frame
from dashpipe.compile.leaves import collected, merged
from dashpipe.compile.plan import Journey, Leaf, Plan
from dashpipe.spec.model import Grain


def attributed(
    plan: Plan,
    journey: Journey,
    leaves: tuple[Leaf, ...],
    grain: Grain,
    labels: tuple[str, ...],
    as_of: datetime | None = None,
) -> list[tuple[Beside | None, Stages]]:
    """The pipelines from the events to the parts of the base source, run on the events.

    Args:
        plan: The plan.
        journey: What is followed.
        leaves: Its leaves, as ``emit.journeys`` gives them.
        grain: The grain of the rows.
        labels: The partitions.
        as_of: The run's instant; ``None``: all partitions are over.

    Returns:
        For each what its parts are of (``None``: the rows' own keys), and its stages, which yield them.
    """
    key = plan.source(journey.base.source).key
    frames: dict[Frame, tuple[Leaf, ...]] = {}
    for leaf in leaves:
        frames[leaf.frame] = (*frames.get(leaf.frame, ()), leaf)
    made: list[tuple[Beside | None, Stages]] = []
    for frame, some in frames.items():
        fields, states = collected(some, "$t")
        row = {"p": "$p", **{f"k{at}": f"$k{at}" for at in range(len(key))}}
        counts = {"$group": {"_id": row, **fields}}
        each = _by_base_event(plan, journey, len(key))
        if frame.plain:
            made.append((None, [*each, {"$match": {"p": {"$in": list(labels)}}}, counts, part(key, states)]))
            continue
        taken = covers(frame, grain, labels, plan.subject.calendar, as_of)
        if taken:
            fields, again = merged(some, lambda leaf: f"${leaf.id}")
            spread = [{"$project": states}, *spread_over(frame, some, taken)]
            total = {"$group": {"_id": "$_id", **fields}}
            made.append((place_of(frame), [*each, counts, *spread, total, part(key, again)]))
    return made


def _by_base_event(plan: Plan, journey: Journey, keys: int) -> Stages:
    """The stages that yield the base events, each with the number ``n`` of its conversions."""
    is_base = {"$eq": ["$b", 1]}
    latest = {"$max": {"$cond": [is_base, {"t": "$t", "i": "$i"}, None]}}
    so_far = {**latest, "window": {"documents": ["unbounded", "current"]}}
    # At one instant base events come first: a conversion at the same moment follows from them.
    window = {"partitionBy": "$e", "sortBy": {"t": 1, "b": -1}, "output": {"m": so_far}}
    unit, n = journey.window.unit, journey.window.n
    until = {"$dateAdd": {"startDate": "$m.t", "unit": unit, "amount": n, "timezone": plan.subject.timezone}}
    follows = {"$and": [{"$eq": ["$b", 0]}, {"$lt": ["$t", until]}]}
    group: dict[str, Any] = {"_id": {"$cond": [is_base, "$i", "$m.i"]}}
    for name in ("p", *(f"k{at}" for at in range(keys))):
        group[name] = {"$max": {"$cond": [is_base, f"${name}", None]}}
    group["n"] = {"$sum": {"$cond": [follows, 1, 0]}}
    return [
        {"$match": {"e": {"$ne": None}}},
        {"$setWindowFields": window},
        {"$match": {"$or": [{"b": 1}, {"m": {"$ne": None}}]}},
        {"$group": group},
    ]

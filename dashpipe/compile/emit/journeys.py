"""Conversions: the events of both sources side by side, so that each conversion finds its base event.

Events are ``{e: entity, t: instant, b: 1 or 0, i: _id of a base event, p, k0, …}`` in a collection of their
own, so that the two sources may be anywhere.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from dashpipe import expr
from dashpipe.compile import instant, partition
from dashpipe.compile.covers import covers
from dashpipe.compile.emit import labels as lb
from dashpipe.compile.emit.scan import documents
from dashpipe.compile.emit.spread import instants
from dashpipe.compile.emit.stages import Stages
from dashpipe.compile.offsets import window_start
from dashpipe.compile.periods import end_of
from dashpipe.compile.plan import Aggregate, Journey, Leaf, Plan
from dashpipe.spec.model import Calendar, Grain, Period

Span = tuple[datetime, datetime]

_DAY, _TICK = timedelta(days=1), timedelta(milliseconds=1)


def journeys(
    plan: Plan, grain: Grain, source: str, *, beside: bool = False
) -> list[tuple[Journey, tuple[Leaf, ...]]]:
    """What the leaves of a source and grain follow, each with its leaves.

    Args:
        plan: The plan.
        grain: The grain.
        source: The source of the base events.
        beside: Take the leaves that cover time beside the row's own partition; those that come together are
            of one ``Frame.atom``. Else those of just the row.
    """
    one = plan.source(source)
    if not beside:
        return _followed(one.own_at(grain))
    reaching = [leaf for leaf in one.framed_at(grain) if leaf.frame.of is None]
    return [
        found
        for atom in dict.fromkeys(leaf.frame.atom(grain) for leaf in reaching)
        for found in _followed(leaf for leaf in reaching if leaf.frame.atom(grain) is atom)
    ]


def _followed(leaves: Iterable[Leaf]) -> list[tuple[Journey, tuple[Leaf, ...]]]:
    found: dict[tuple[str, str, str], tuple[Journey, tuple[Leaf, ...]]] = {}
    for leaf in leaves:
        one = leaf.options.journey
        if one is not None:
            key = (one.base.id, one.conversion.id, str(one.window))
            found[key] = (one, (*found.get(key, (one, ()))[1], leaf))
    return list(found.values())


def events(
    plan: Plan,
    journey: Journey,
    leaves: tuple[Leaf, ...],
    grain: Grain,
    labels: tuple[str, ...],
    as_of: datetime | None = None,
) -> list[tuple[str, Stages]]:
    """The pipelines that yield the events which some leaves need, each to be run on its source.

    Args:
        plan: The plan.
        journey: What is followed.
        leaves: Its leaves, as ``journeys`` gives them.
        grain: The grain of the rows.
        labels: The partitions.
        as_of: The run's instant; ``None``: all partitions are over.
    """
    calendar = plan.subject.calendar
    frames = dict.fromkeys(leaf.frame for leaf in leaves)
    if leaves[0].frame.plain:
        ranges = partition.ranges(grain, labels, calendar)
    else:
        days = [one for frame in frames for one in covers(frame, grain, labels, calendar, as_of)]
        grain, ranges = leaves[0].frame.atom(grain), instants(days, calendar)
    spans = [(start, _after(end, journey.window, calendar)) for start, end in ranges]
    if not spans:
        return []
    made: list[tuple[str, Stages]] = []
    for leaf, base in ((journey.base, 1), (journey.conversion, 0)):
        source = plan.source(leaf.source)
        filters = tuple(one for one in (source.where, leaf.where) if one is not None)
        aggregate = Aggregate(source.name, (leaf,), filters)
        moment = instant.value(source.source.time)
        taken, near = _whole(grain, spans, labels, calendar, as_of) if source.unique else (spans, labels)
        match = instant.between(source.source.time, taken, exactly=True)
        stages = documents(plan, source, aggregate, (leaf,), grain, near, match)
        assert leaf.expr is not None
        event: dict[str, Any] = {"_id": 0, "e": expr.to_agg(leaf.expr), "t": moment, "b": {"$literal": base}}
        if base:
            event |= {"i": "$_id", "p": lb.of_time(grain, moment, calendar, labels)}
            for at, key in enumerate(source.key):
                event[f"k{at}"] = lb.key_value(key, expr.to_agg(key.expr), calendar.timezone)
        made.append((source.name, [*stages, {"$project": event}, {"$match": {"e": {"$ne": None}}}]))
    return made


def _whole(
    grain: Grain, spans: list[Span], labels: tuple[str, ...], calendar: Calendar, as_of: datetime | None
) -> tuple[list[Span], tuple[str, ...]]:
    """Time up to the end of the last partitions in it, which of a partition shows the newest documents.

    Behind a calendar file no partition says which these are; until the run comes there, nothing has happened.

    Returns:
        The time, and the partitions with those.

    Raises:
        OutsideCalendar: The calendar file ended within that time, and before the run.
    """
    day = end_of(grain, calendar)
    if (
        day is not None
        and as_of is not None
        and as_of <= (over := partition.midnight(day, calendar.timezone))
    ):
        spans = [(start, min(end, over)) for start, end in spans]
    last = [partition.touching(grain, end - _TICK, end, calendar)[-1] for _, end in spans]
    ends = (partition.bounds(grain, one, calendar)[1] for one in last)
    return [(start, end) for (start, _), end in zip(spans, ends)], (*labels, *last)


def _after(end: Any, window: Period, calendar: Calendar) -> Any:
    """An instant at or after the end of the window of any event before ``end``."""
    if window.unit == "hour":
        return end + timedelta(hours=window.n + 1)
    day = partition.local_date(end, calendar.timezone) + _DAY
    last = window_start(day, -window.n, Grain(window.unit), calendar)
    return partition.midnight(last + _DAY, calendar.timezone)

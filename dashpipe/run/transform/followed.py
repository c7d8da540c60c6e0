"""Partitions whose base events convert by what a run found anew: an event of a day changes days before it.

A base event's conversion may come in a later partition, and a later base event may take it away. So the
finest grain keeps how many events of either kind each of its rows has, and where these numbers are others
than the stored ones, the partitions join the run whose base events reach to that time. An event that was
corrected in place leaves no trace here: for that there is the lookback.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from dashpipe.compile import emit, partition, periods
from dashpipe.compile.offsets import window_start
from dashpipe.run import ledger, united
from dashpipe.run.transform.work import Work
from dashpipe.spec.model import Calendar, Grain, Period

_DAY, _TICK = timedelta(days=1), timedelta(milliseconds=1)


def changed(work: Work, parts: str, labels: tuple[str, ...], *, asked: bool) -> frozenset[str]:
    """Those of some partitions of the finest grain that hold other events than before.

    Where the stored rows do not tell, since they were never written or under another spec, a partition counts
    as changed only if the run was asked for it: else each would bring in those before it, back to the first.

    Args:
        work: The work on the finest grain.
        parts: The collection that holds the parts of these partitions.
        labels: The partitions.
        asked: Whether the run was asked for them.
    """
    run = work.run
    leaves = (leaf for one in run.plan.sources for leaf in one.leaves)
    journeys = [leaf.options.journey for leaf in leaves if leaf.options.journey is not None]
    followed = {leaf for one in journeys for leaf in (one.base.id, one.conversion.id)}
    if not followed:
        return frozenset()
    known = ledger.rows(work.session.target, run.subject.id, work.grain, labels)
    left = {label for label, row in known.items() if row["state"] == ledger.LOADED}
    told = {label for label, row in known.items() if followed <= _kept(row)} - left
    unknown = set(labels) - told if asked else left
    return frozenset(unknown) | _differing(work, parts, sorted(told), sorted(followed))


def _kept(row: dict[str, Any]) -> set[str]:
    """The leaves whose states the rows of a partition hold, by its ledger row."""
    return {leaf for some in row.get("leaves", {}).values() for leaf in some}


def _differing(work: Work, parts: str, labels: list[str], leaves: list[str]) -> frozenset[str]:
    """Those of some partitions in which some counts are others than the stored ones."""
    numbers = {f"n{at}": leaf for at, leaf in enumerate(leaves)}
    mine = {name: {"$ifNull": [f"${leaf}", 0]} for name, leaf in numbers.items()}
    stored = {
        name: {"$multiply": [{"$ifNull": [f"$_state.{leaf}", 0]}, -1]} for name, leaf in numbers.items()
    }
    rows = [
        {"$match": {**emit.rows(work.grain, labels), **emit.OWN}},
        {"$project": {"p": emit.label(work.grain), **stored}},
    ]
    both: dict[str, Any] = {"_id": "$_id", "p": {"$first": "$p"}}
    target = work.run.targets[work.grain].collection
    stages: emit.Stages = [
        {"$match": {"p": {"$in": list(labels)}}},
        {"$project": {"p": 1, **mine}},
        {"$unionWith": {"coll": target, "pipeline": rows}},
        {"$group": {**both, **{name: {"$sum": f"${name}"} for name in numbers}}},
        {"$match": {"$or": [{name: {"$ne": 0}} for name in numbers]}},
        {"$group": {"_id": "$p"}},
    ]
    found = united.aggregate(work.run, work.session, work.session.target[parts], stages, "transform")
    return frozenset(one["_id"] for one in found)


def reading(work: Work, events: frozenset[str], labels: tuple[str, ...]) -> dict[Grain, tuple[str, ...]]:
    """The partitions, written before and not of this run yet, whose base events may convert in some others.

    Args:
        work: The work on the finest grain.
        events: The partitions that hold other events than before.
        labels: All that were computed: what a killed run left half-way reads any of them.
    """
    run, calendar = work.run, work.run.subject.calendar
    found: dict[Grain, tuple[str, ...]] = {}
    for grain in run.plan.grains:
        windows = {
            one.window
            for source in run.plan.sources
            for one, _ in emit.journeys(run.plan, grain, source.name)
        }
        if not windows or not labels:
            continue
        first = min(_back(periods.day_of(one), each, calendar) for one in labels for each in windows)
        day = periods.first_day(grain, max(first, periods.day_of(run.subject.start)), calendar)
        since = partition.midnight(day, calendar.timezone)
        known = ledger.since(work.session.target, run.subject.id, grain, since, run.as_of)
        mine = set(run.partitions[grain])
        of_events = partition.ranges(work.grain, events, calendar)
        of_all = partition.ranges(work.grain, labels, calendar)
        taken = []
        for label, kept in known.items():
            start, end = partition.bounds(grain, label, calendar)
            until = max(_until(end, one, calendar) for one in windows)
            read = of_all if kept == ledger.LOADED else of_events
            if label not in mine and any(lo < until and hi > start for lo, hi in read):
                taken.append(label)
        found[grain] = tuple(sorted(taken))
    return found


def _back(day: date, window: Period, calendar: Calendar) -> date:
    """A day at or before the first whose base events may convert on a day."""
    if window.unit == "hour":
        return day - _DAY * (1 + -(-window.n // 24))
    return window_start(day, window.n, Grain(window.unit), calendar) - _DAY


def _until(end: datetime, window: Period, calendar: Calendar) -> datetime:
    """When no base event before an instant converts any more."""
    if window.unit == "hour":
        return end + timedelta(hours=window.n)
    day = partition.local_date(end - _TICK, calendar.timezone)
    last = window_start(day, -window.n, Grain(window.unit), calendar)
    return partition.midnight(last + _DAY, calendar.timezone)

"""Partitions that read what a run changed: they are computed too, whatever its window is.

A run compares the states of the partitions that it computed with the stored ones. Where they differ, every
partition that was written before and reaches back to them is added to the run; then these are looked at in
turn. What has not changed adds nothing, and what was never written is not written before its time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

from dashpipe.compile import emit, partition, periods
from dashpipe.compile.covers import Cover, covers
from dashpipe.compile.frame import Frame
from dashpipe.compile.leaves import kind_of
from dashpipe.compile.plan import Leaf
from dashpipe.expr import FieldType
from dashpipe.run import ledger, united
from dashpipe.run.base import Run
from dashpipe.run.errors import translating
from dashpipe.run.load.row import SAME
from dashpipe.run.transform import followed
from dashpipe.run.transform.kept_changes import changes
from dashpipe.run.transform.work import Work
from dashpipe.spec.model import Grain

Document = dict[str, Any]
_DAY = timedelta(days=1)
Labels = dict[Grain, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class _Seen:
    """The partitions of the finest grain that have changed.

    ``states`` are those whose stored states differ, ``values`` by leaf those whose kept values do;
    ``unknown`` are those that count as changed for a leaf of which neither tells. ``hidden``: rows are
    grouped by what is looked up.
    """

    states: frozenset[str]
    unknown: frozenset[str]
    values: Mapping[str, frozenset[str]]
    hidden: bool

    def by(self, leaf: Leaf, grain: Grain, finest: Grain) -> frozenset[str]:
        """Those that a leaf of a grain may see."""
        if not _told(leaf, grain, finest, hidden=self.hidden):
            return self.unknown
        if leaf.merges:
            return self.states
        return self.values.get(leaf.base or "", self.unknown)


def extended(work: Work, parts: str, labels: tuple[str, ...], *, asked: bool) -> Run:
    """The run with the partitions that read what has changed of some of its finest grain.

    Args:
        work: The work on the finest grain.
        parts: The collection that holds the parts of these partitions.
        labels: The partitions that were computed.
        asked: Whether the run was asked for them. To a leaf that reaches back and keeps no state, or reaches
            back to a part of a partition, all of those count as changed: nothing tells that they have not.
            Where its values are kept, these tell.
    """
    run = work.run
    with translating("looking which other partitions depend on what changed"):
        changed = _changed(work, parts, labels) if run.plan.reaches else frozenset()
        unknown = frozenset(labels) if asked else changed
        seen = _Seen(changed, unknown, changes(work, labels, unknown), bool(run.subject.hidden_keys))
        found = _reading(work, seen, labels)
        events = followed.changed(work, parts, labels, asked=asked)
        for grain, some in followed.reading(work, events, labels).items():
            found[grain] = tuple(sorted({*some, *found.get(grain, ())}))
    if not any(found.values()):
        return run
    told = {f"{grain.value}s": len(some) for grain, some in found.items() if some}
    work.session.setup.log("dependants", run=run.id, changed=len(changed | events), **told)
    calendar = run.subject.calendar
    partitions = {
        grain: partition.ordered(grain, (*some, *found.get(grain, ())), calendar)
        for grain, some in run.partitions.items()
    }
    return replace(run, partitions=partitions)


def _changed(work: Work, parts: str, labels: tuple[str, ...]) -> frozenset[str]:
    """Those of some partitions whose parts hold other states than the stored rows, or are of other keys."""
    run, target = work.run, work.run.targets[work.grain].collection
    leaves = [leaf for one in run.plan.sources for leaf in one.own_at(work.grain) if leaf.stored]
    mine = {leaf.id: f"${leaf.id}" for leaf in leaves}
    stored = {leaf.id: f"$_state.{leaf.id}" for leaf in leaves}
    both: dict[str, Any] = {"_id": "$_id", "p": {"$first": "$p"}, "n": {"$sum": 1}}
    tests: list[Any] = [{"$ne": ["$n", 2]}]
    for at, leaf in enumerate(leaves):
        both[f"lo{at}"], both[f"hi{at}"] = {"$min": f"${leaf.id}"}, {"$max": f"${leaf.id}"}
        both[f"n{at}"] = {"$sum": {"$cond": [{"$gt": [f"${leaf.id}", None]}, 1, 0]}}
        tests += [{"$eq": [f"$n{at}", 1]}, _differ(leaf, f"$lo{at}", f"$hi{at}")]
    rows = [
        {"$match": {**emit.rows(work.grain, labels), **emit.OWN}},
        {"$project": {"p": emit.label(work.grain), **stored}},
    ]
    stages: emit.Stages = [
        {"$match": {"p": {"$in": list(labels)}}},
        {"$project": {"p": 1, **mine}},
        {"$unionWith": {"coll": target, "pipeline": rows}},
        {"$group": both},
        {"$match": {"$expr": {"$or": tests}}},
        {"$group": {"_id": "$p"}},
    ]
    found = united.aggregate(run, work.session, work.session.target[parts], stages, "transform")
    return frozenset(one["_id"] for one in found)


def _differ(leaf: Leaf, low: str, high: str) -> Any:
    """Whether two states differ; doubles by more than another order of summing makes them."""
    if leaf.type is not FieldType.NUMBER or kind_of(leaf).doubles != ("",):
        return {"$ne": [low, high]}
    near = {"$multiply": [SAME, {"$max": [{"$abs": low}, {"$abs": high}]}]}
    return {"$gt": [{"$subtract": [high, low]}, near]}


def _reading(work: Work, seen: _Seen, labels: tuple[str, ...]) -> Labels:
    """The partitions, written before and not of this run yet, that read what has changed.

    Where a run was killed while it wrote, what it had changed no longer differs: of those it left half-way,
    all that read any of the partitions are taken.
    """
    run, calendar = work.run, work.run.subject.calendar
    found: Labels = {}
    for grain in run.plan.grains:
        leaves = [leaf for one in run.plan.sources for leaf in one.framed_at(grain) if leaf.frame.reaches]
        read: dict[Frame, frozenset[str]] = {}
        for leaf in leaves:
            read[leaf.frame] = read.get(leaf.frame, frozenset()) | seen.by(leaf, grain, work.grain)
        if not read or not labels:
            continue
        first = min(periods.first_day(grain, periods.day_of(one), calendar) for one in labels)
        for _ in range(max(one.ahead or 0 for one in read)):  # a cohort's row reads what came after it
            if not periods.covers(grain, first - _DAY, calendar):
                break
            first = periods.first_day(grain, first - _DAY, calendar)
        since = partition.midnight(first, calendar.timezone)
        known = ledger.since(work.session.target, run.subject.id, grain, since, run.as_of)
        mine = set(run.partitions[grain])
        half = tuple(one for one, kept in known.items() if one not in mine and kept == ledger.LOADED)
        whole = tuple(one for one, kept in known.items() if one not in mine and kept != ledger.LOADED)
        taken = _taking(read, grain, half, labels, work)
        for frame, some in read.items():
            taken |= _taking([frame], grain, whole, some, work)
        found[grain] = tuple(sorted(taken))
    return found


def _told(leaf: Leaf, grain: Grain, finest: Grain, *, hidden: bool) -> bool:
    """Whether the states of the finest grain tell of every change that a leaf may see.

    Where they are of weeks, and a window begins within one, a document that moved within it is not seen.
    Where rows are grouped by what is looked up, two keys of one value may part later, and it is not seen
    whose document it was.
    """
    if hidden:
        return False
    order = tuple(Grain)
    return not leaf.frame.runs or order.index(finest) <= order.index(leaf.frame.atom(grain))


def _taking(
    frames: Iterable[Frame], grain: Grain, candidates: tuple[str, ...], read: Iterable[str], work: Work
) -> set[str]:
    """Those of some partitions that take any of the partitions that are read."""
    calendar = work.run.subject.calendar
    spans = [(one, periods.day_of(one), periods.last_day(work.grain, one, calendar)) for one in sorted(read)]
    if not candidates or not spans:
        return set()
    return {
        cover.label
        for frame in frames
        for cover in covers(frame, grain, candidates, calendar, work.run.as_of)
        if any(_takes(cover, *one) for one in spans)
    }


def _takes(cover: Cover, label: str, first: date, last: date) -> bool:
    whole = first < cover.end and (cover.start is None or cover.start <= last)
    return whole or label in cover.hours or any(hour[:10] == label for hour in cover.hours)

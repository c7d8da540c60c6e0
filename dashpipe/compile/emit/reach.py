"""Parts of what leaves cover beside a row's own partition and key: from documents, or from stored states.

Documents are first grouped by day (or hour), then each group goes to the partitions that take that day; where
a kind of leaf does not merge, each document does. The parts of a *whole* (a key of fewer dimensions) are of a
collection of their own, since their ``_id`` is another; so are those of the days of a partition.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import Enum
from typing import Any, TypeAlias

from dashpipe.compile.covers import Cover, covers
from dashpipe.compile.emit.grouping import part, text_of
from dashpipe.compile.emit.rollup import label as label_of
from dashpipe.compile.emit.running import Standing, kept_groups
from dashpipe.compile.emit.scan import Reading, Ref, merge, paired, pipeline, spread_over
from dashpipe.compile.emit.spread import rows
from dashpipe.compile.emit.stages import Stages
from dashpipe.compile.frame import Frame
from dashpipe.compile.keys import of_rows
from dashpipe.compile.leaves import merged
from dashpipe.compile.plan import Aggregate, Key, Leaf, Plan, SourcePlan
from dashpipe.spec.model import Grain, Period

#: The dimensions of a whole.
Of = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Days:
    """The days of the partitions that some offsets lead to: each has parts of its own."""

    shifts: tuple[Period, ...] = ()


#: What parts are of, where not of the rows' own keys.
Beside = Of | Days


class Pairs(Enum):
    """What a pipeline yields where these are no parts."""

    PAIRS = "values beside hidden keys"


PAIRS = Pairs.PAIRS

#: Collections, by what is put into them; ``None``: parts of the rows' own keys.
Places: TypeAlias = dict[Beside | Pairs | None, str]


def wholes(plan: Plan, grain: Grain) -> tuple[Of, ...]:
    """The keys of wholes at a grain, in a fixed order: each has a collection of parts of its own."""
    found = {leaf.frame.of for source in plan.sources for leaf in source.framed_at(grain)}
    return tuple(sorted(one for one in found if one is not None))


def days(plan: Plan, grain: Grain) -> tuple[Days, ...]:
    """Of which days there are parts at a grain, in a fixed order: each has a collection of its own."""
    found = {leaf.frame.shifts for source in plan.sources for leaf in source.daily_at(grain)}
    return tuple(Days(one) for one in sorted(found, key=str))


def places(own: str, wholes: Mapping[Of, str], days: Mapping[Days, str]) -> Places:
    """The collections of the parts of rows, of wholes and of days together."""
    made: Places = {None: own}
    made.update(wholes.items())
    made.update(days.items())
    return made


def place_of(frame: Frame) -> Beside | None:
    """What the parts of a frame are of; ``None``: the rows' own keys."""
    return Days(frame.shifts) if frame.daily else frame.of


def keys_of(source: SourcePlan, of: Of | None) -> tuple[Key, ...]:
    """The dimensions that a leaf is grouped by."""
    return source.key if of is None else tuple(one for one in source.key if one.name in of)


def read_by(plan: Plan, source: SourcePlan, of: Of | None) -> tuple[Key, ...]:
    """The dimensions that the documents of a leaf are grouped by: of what is looked up, the hidden key."""
    by = [one.key for one in plan.lookups if one.grouped and of is not None and one.name in of]
    return keys_of(source, of if of is None else (*of, *by))


def framed(
    grain: Grain, source: SourcePlan, *, merging: bool, without: Collection[str] = ()
) -> Iterator[tuple[Aggregate, tuple[Leaf, ...]]]:
    """What is computed from documents beside a row's own partition and key, and which leaves of it.

    Args:
        grain: The grain of the rows.
        source: The source.
        merging: Whether what merges over time is left to ``over_states``.
        without: Leaves that are computed otherwise, by id.
    """
    left = [leaf for leaf in source.framed_at(grain) if leaf.id not in without]
    wanted = {leaf.id for leaf in left if not (leaf.merges and (merging or leaf.frame.of is not None))}
    for aggregate in source.aggregates:
        leaves = tuple(leaf for leaf in aggregate.leaves if leaf.id in wanted)
        if leaves:
            yield aggregate, leaves


def scans(
    plan: Plan,
    grain: Grain,
    source: str,
    labels: tuple[str, ...],
    *,
    merging: bool,
    counted: bool = False,
    as_of: datetime | None = None,
    without: Collection[str] = (),
) -> list[tuple[Beside | Pairs | None, Stages]]:
    """The pipelines that compute parts from documents, each to be run on the source.

    Args:
        plan: The plan.
        grain: The grain of the rows.
        source: The source's name.
        labels: The partitions.
        merging: Whether what merges over time is left to ``over_states`` and ``over_values``.
        counted: Whether wholes that can be counted from kept values are left to ``over_wholes``.
        as_of: The run's instant; ``None``: all partitions are over.
        without: Leaves that are computed otherwise, by id.

    Returns:
        For each what its parts are of (``None``: the rows' own keys), and its stages, which yield them.
    """
    one = plan.source(source)
    left = {leaf.id for leaf in plan.shared_of(source, grain)} if counted else set()
    merged_by = plan.merging(source, grain)
    if merging and merged_by is not None:
        left |= {leaf.id for leaf in merged_by.counted}
    made: list[tuple[Beside | Pairs | None, Stages]] = []
    left.update(without)
    for aggregate, leaves in framed(grain, one, merging=merging, without=left):
        frame = aggregate.frame
        key = read_by(plan, one, frame.of)
        where = PAIRS if paired(plan, aggregate) else place_of(frame)
        if not frame.reaches:
            made.append((where, pipeline(plan, one, aggregate, leaves, Reading(grain, labels, key=key))))
            continue
        taken = covers(frame, grain, labels, plan.subject.calendar, as_of)
        for group in (True, False):
            some = tuple(leaf for leaf in leaves if leaf.merges is group)
            if some and taken:
                how = Reading(frame.atom(grain), labels, key=key, covers=taken, early=group)
                made.append((where, pipeline(plan, one, aggregate, some, how)))
    return made


def over_states(
    plan: Plan,
    grain: Grain,
    source: str,
    labels: tuple[str, ...],
    staged: tuple[str, ...],
    target: str,
    as_of: datetime | None = None,
    standing: Standing | None = None,
) -> list[tuple[Beside | None, Stages]]:
    """The pipelines that merge parts from the states of days (or hours), run on what this run has of these.

    That is the parts of the grain itself, where the states are of the same grain; else the finer staging.

    Args:
        plan: The plan.
        grain: The grain of the rows.
        source: The source's name.
        labels: The partitions.
        staged: The finer partitions that this run has; of the others, the published rows count.
        target: The finer grain's target collection, in the same database.
        as_of: The run's instant; ``None``: all partitions are over.
        standing: The running state that what is of all time goes on from. All of these partitions take all
            days that it takes, and of these days none is staged.

    Returns:
        As ``scans``.
    """
    one, how = plan.source(source), plan.merging(source, grain)
    assert how is not None
    pipelines: list[tuple[Beside | None, Stages]] = []
    for frame, leaves in _framed(one, grain).items():
        taken = covers(frame, grain, labels, plan.subject.calendar, as_of)
        if not taken:
            continue
        mine = _of_parts(one, leaves) if how.atom is grain else _of_rows(one, leaves, how.atom)
        kept = standing if all(leaf.runs_on for leaf in leaves) else None
        spans = rows(taken) if kept is None else rows(after(kept, taken))
        stages: Stages = [{"$match": mine[0]}, {"$project": mine[1]}]
        if how.atom is not grain:
            stages[0] = {"$match": {**mine[0], **spans}}
        there, project = _of_rows(one, leaves, how.atom)
        others: dict[str, Any] = {**there, **spans, **without(how.atom, staged)}
        stages.append(
            {"$unionWith": {"coll": target, "pipeline": [{"$match": others}, {"$project": project}]}}
        )
        if kept is not None:
            bases = {leaf.id: leaf.base or "" for leaf in leaves}
            stages.append(kept_groups(one, how.atom, kept, bases, kept.reach))
        fields, states = merged(leaves, lambda leaf: f"${leaf.id}")
        stages += [*spread_over(frame, leaves, taken), {"$group": {"_id": "$_id", **fields}}]
        pipelines.append((place_of(frame), [*stages, part(one.key, states)]))
    return pipelines


def after(standing: Standing, taken: Iterable[Cover]) -> tuple[Cover, ...]:
    """What covers of all time take beside a running state."""
    start = date.fromisoformat(standing.reach) + timedelta(days=1)
    return tuple(replace(one, start=start) for one in taken)


def of_parts(plan: Plan, grain: Grain, of: Of, into: Ref | None) -> list[Stages]:
    """The pipelines that merge the parts of the rows' keys into those of a whole, run on the parts."""
    pipelines = []
    for source in of_rows(plan).sources:
        key = keys_of(source, of)
        leaves = tuple(leaf for leaf in source.framed_at(grain) if leaf.merges and leaf.frame.of == of)
        if not leaves:
            continue
        there = [{leaf.base or "": {"$exists": True}} for leaf in leaves]
        group = {"p": "$p", **{f"k{at}": f"$k.{one.name}" for at, one in enumerate(key)}}
        fields, states = merged(leaves, lambda leaf: f"${leaf.base}")
        stages: Stages = [{"$match": {"$or": there}}, {"$group": {"_id": group, **fields}}]
        pipelines.append([*stages, part(key, states), *merge(into)])
    return pipelines


def joined(plan: Plan, grain: Grain, collections: Mapping[Of, str]) -> Stages:
    """The stages that put the states of wholes beside those of a part."""
    stages: Stages = []
    for at, of in enumerate(wholes(plan, grain)):
        key = keys_of(of_rows(plan).sources[0], of)
        field = f"w{at}"
        stages.append({"$set": {field: text_of(key, "$p", "$k")}})
        found = {"from": collections[of], "localField": field, "foreignField": "_id", "as": field}
        stages.append({"$lookup": found})
        ids = [leaf.id for one in plan.sources for leaf in one.framed_at(grain) if leaf.frame.of == of]
        # Not `$w0.leaf`: engines in use find nothing on a path through an array.
        one = {"vars": {"one": {"$first": f"${field}"}}}
        stages.append({"$set": {leaf: {"$let": {**one, "in": f"$$one.{leaf}"}} for leaf in ids}})
    return stages


def present(plan: Plan, grain: Grain) -> Stages:
    """The stage that drops the parts of keys without a document in the partition: they are no rows."""
    framed = any(source.framed_at(grain) for source in plan.sources)
    return [{"$match": rowed(plan, grain)}] if framed and plan.subject.key else []


def rowed(plan: Plan, grain: Grain) -> dict[str, Any]:
    """The filter for the parts that become rows."""
    if not plan.subject.key:
        return {}
    there: list[dict[str, Any]] = [{one.presence.id: {"$exists": True}} for one in plan.sources]
    if plan.fills(grain):
        there.append({"filled": True})
    return {"$or": there}


def _framed(source: SourcePlan, grain: Grain) -> dict[Frame, tuple[Leaf, ...]]:
    """The leaves that merge over time, by frame."""
    found: dict[Frame, tuple[Leaf, ...]] = {}
    for leaf in source.framed_at(grain):
        if leaf.merges and leaf.frame.reaches and leaf.frame.of is None:
            found[leaf.frame] = (*found.get(leaf.frame, ()), leaf)
    return found


def _of_parts(source: SourcePlan, leaves: Iterable[Leaf]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The filter and the projection that make groups of parts."""
    group = {"p": "$p", **{f"k{at}": f"$k.{one.name}" for at, one in enumerate(source.key)}}
    states = {leaf.id: f"${leaf.base}" for leaf in leaves}
    return {source.presence.id: {"$exists": True}}, {"_id": group, **states}


def _of_rows(
    source: SourcePlan, leaves: Iterable[Leaf], atom: Grain
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The filter and the projection that make groups of rows."""
    group = {"p": label_of(atom)}
    group |= {f"k{at}": {"$ifNull": [f"${one.name}", None]} for at, one in enumerate(source.key)}
    states = {leaf.id: f"$_state.{leaf.base}" for leaf in leaves}
    return {f"_state.{source.presence.id}": {"$exists": True}}, {"_id": group, **states}


def without(atom: Grain, staged: tuple[str, ...]) -> dict[str, Any]:
    """The filter for the rows of other partitions than some."""
    if atom is not Grain.HOUR:
        return {"$nor": [{"partition_date": {"$in": list(staged)}}]} if staged else {}
    return {"$expr": {"$not": [{"$in": [label_of(atom), list(staged)]}]}} if staged else {}

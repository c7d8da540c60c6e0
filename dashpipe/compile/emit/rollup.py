"""A coarser grain from the states of a finer grain's rows, some of this run's staging and some published."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from dashpipe.compile import partition
from dashpipe.compile.emit import labels as lb
from dashpipe.compile.emit.grouping import part
from dashpipe.compile.emit.scan import Ref, merge
from dashpipe.compile.emit.stages import Stages
from dashpipe.compile.leaves import merged
from dashpipe.compile.plan import Plan
from dashpipe.spec.model import Calendar, Grain


def rollup(
    plan: Plan,
    grain: Grain,
    finer: Grain,
    source: str,
    labels: tuple[str, ...],
    staged: tuple[str, ...],
    target: str,
    into: Ref | None,
) -> Stages:
    """The pipeline that merges a source's parts of coarser partitions, run on the finer grain's staging.

    Args:
        plan: The plan.
        grain: The grain of the parts.
        finer: The grain whose rows hold the states.
        source: The source's name; of its leaves, those that merge by themselves.
        labels: The coarser partitions.
        staged: The finer partitions that this run has in staging; of the others, the published rows count.
        target: The finer grain's target collection, in the same database.
        into: The parts collection to merge into, or ``None`` to yield the parts.
    """
    one = plan.source(source)
    calendar = plan.subject.calendar
    present = {f"_state.{one.presence.id}": {"$exists": True}}
    stages = both(present, finer, inside(grain, labels, finer, calendar), staged, target)
    group: dict[str, Any] = {"p": lb.of_label(grain, "$partition_date", calendar, labels)}
    for at, key in enumerate(one.key):
        group[f"k{at}"] = {"$ifNull": [f"${key.name}", None]}
    leaves = (leaf for leaf in one.own_at(grain) if leaf.merges)
    fields, states = merged(leaves, lambda leaf: f"$_state.{leaf.id}")
    return [*stages, {"$group": {"_id": group, **fields}}, part(one.key, states), *merge(into)]


def inside(grain: Grain, labels: tuple[str, ...], finer: Grain, calendar: Calendar) -> tuple[str, ...]:
    """The partitions of a finer grain that make up some partitions, or these, if it is not a finer one."""
    if finer is grain:
        return labels
    return tuple(fine for label in labels for fine in partition.contains(grain, label, finer, calendar))


def both(
    wanted: dict[str, Any], grain: Grain, labels: tuple[str, ...], staged: tuple[str, ...], target: str
) -> Stages:
    """The stages that yield what is staged of some partitions, and of the others what is in the target."""
    ours = frozenset(staged)
    here = [one for one in labels if one in ours]
    there = [one for one in labels if one not in ours]
    stages: Stages = [{"$match": {**wanted, **rows(grain, here)}}]
    if there:
        union = [{"$match": {**wanted, **rows(grain, there)}}]
        stages.append({"$unionWith": {"coll": target, "pipeline": union}})
    return stages


def label(grain: Grain) -> Any:
    """The label of the partition that a row is of, as an expression over the row."""
    if grain is Grain.HOUR:
        return {"$concat": ["$partition_date", "T", "$partition_hour"]}
    return "$partition_date"


def rows(grain: Grain, labels: Iterable[str]) -> dict[str, Any]:
    """The filter for the rows of some partitions, in a target or staging collection of that grain."""
    if grain is not Grain.HOUR:
        return {"partition_date": {"$in": list(labels)}}
    hours: dict[str, list[str]] = {}
    for label in labels:
        hours.setdefault(label[:10], []).append(label[11:])
    days: dict[tuple[str, ...], list[str]] = {}
    for day, some in hours.items():
        days.setdefault(tuple(some), []).append(day)
    if not days:
        return {"partition_date": {"$in": []}}
    branches = [
        {"partition_date": {"$in": same}, "partition_hour": {"$in": list(some)}}
        for some, same in days.items()
    ]
    return {"$or": branches}

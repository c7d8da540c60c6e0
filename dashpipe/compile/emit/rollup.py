"""A coarser grain from the states of a finer grain's rows, some of this run's staging and some published."""

from __future__ import annotations

from typing import Any

from dashpipe.compile import partition
from dashpipe.compile.emit import labels as lb
from dashpipe.compile.emit.scan import Ref, Stage, Stages, merge, part
from dashpipe.compile.plan import MERGES, Plan
from dashpipe.spec.model import Grain


def rollup(
    plan: Plan,
    grain: Grain,
    finer: Grain,
    source: str,
    labels: tuple[str, ...],
    staged: tuple[str, ...],
    target: str,
    into: Ref,
) -> Stages:
    """The pipeline that merges a source's parts of coarser partitions, to be run on the finer grain's staging.

    Args:
        plan: The plan.
        grain: The grain of the parts.
        finer: The grain whose rows hold the states.
        source: The source's name.
        labels: The coarser partitions.
        staged: The finer partitions that this run has in staging; of the others, the published rows count.
        target: The finer grain's target collection, in the same database.
        into: The parts collection.
    """
    one = plan.source(source)
    subject = plan.subject
    inside = tuple(
        fine
        for label in labels
        for fine in partition.contains(grain, label, finer, subject.timezone, subject.week_start)
    )
    here = [fine for fine in inside if fine in set(staged)]
    there = [fine for fine in inside if fine not in set(staged)]
    present = {f"_state.{one.presence.id}": {"$exists": True}}
    stages: Stages = [{"$match": {**present, **_rows(finer, here)}}]
    if there:
        stages.append({"$unionWith": {"coll": target, "pipeline": [{"$match": {**present, **_rows(finer, there)}}]}})
    group: dict[str, Any] = {"p": lb.of_label(grain, "$partition_date", subject.week_start)}
    for at, key in enumerate(one.key):
        group[f"k{at}"] = {"$ifNull": [f"${key.name}", None]}
    leaves = one.leaves_at(grain)
    merged: Stage = {leaf.id: {MERGES[leaf.kind]: f"$_state.{leaf.id}"} for leaf in leaves}
    return [*stages, {"$group": {"_id": group, **merged}}, part(one.key, leaves), *merge(into)]


def _rows(finer: Grain, labels: list[str]) -> dict[str, Any]:
    """The filter for the rows of some partitions of the finer grain."""
    if finer is not Grain.HOUR:
        return {"partition_date": {"$in": labels}}
    days: dict[str, list[str]] = {}
    for label in labels:
        days.setdefault(label[:10], []).append(label[11:])
    if not days:
        return {"partition_date": {"$in": []}}
    return {"$or": [{"partition_date": day, "partition_hour": {"$in": hours}} for day, hours in days.items()]}

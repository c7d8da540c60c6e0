"""From an aggregate of a source to stages: the literal time range first, then the filters, then groups.

Each pipeline yields *parts*: ``{_id: key text, p: label, k: {dimension: value}, <leaf id>: state, …}``. Parts
of the same ``_id`` from several scans and sources join without fan-out, by their fields side by side.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from dashpipe import expr
from dashpipe.compile import instant, partition
from dashpipe.compile.emit import labels as lb
from dashpipe.compile.emit.grouping import grouped, part
from dashpipe.compile.emit.stages import Stage, Stages
from dashpipe.compile.emit.unique import newest
from dashpipe.compile.plan import Aggregate, Leaf, Plan, SourcePlan
from dashpipe.spec.model import Grain


@dataclass(frozen=True, slots=True)
class Ref:
    """A collection, by database and name."""

    database: str
    collection: str


def time_match(
    plan: Plan, source: SourcePlan, grain: Grain, labels: tuple[str, ...], exactly: bool = False
) -> dict[str, Any]:
    """The filter for the documents of some partitions: literal bounds on the raw time field.

    Args:
        plan: The plan.
        source: One of its sources.
        grain: The grain of the partitions.
        labels: The partitions, at least one.
        exactly: Let no document of a partition beside them through, where the time's form would.
    """
    spans = partition.ranges(grain, labels, plan.subject.calendar)
    return instant.between(source.source.time, spans, exactly)


def scan(plan: Plan, grain: Grain, source: str, labels: tuple[str, ...], into: Ref | None) -> list[Stages]:
    """The pipelines that compute a source's parts of some partitions, each to be run on the source.

    Args:
        plan: The plan.
        grain: The grain of the parts.
        source: The source's name.
        labels: The partitions, at least one.
        into: The parts collection to merge into, or ``None`` to yield the parts through a cursor.
    """
    one = plan.source(source)
    wanted = {leaf.id for leaf in one.leaves_at(grain)}
    pipelines = []
    for aggregate in one.aggregates:
        leaves = tuple(leaf for leaf in aggregate.leaves if leaf.id in wanted)
        if leaves:
            pipelines.append(_pipeline(plan, one, aggregate, leaves, grain, labels) + merge(into))
    return pipelines


def merge(into: Ref | None) -> Stages:
    """The stage that joins parts by ``_id`` into a collection."""
    if into is None:
        return []
    target = {"db": into.database, "coll": into.collection}
    return [{"$merge": {"into": target, "on": "_id", "whenMatched": "merge", "whenNotMatched": "insert"}}]


def _pipeline(
    plan: Plan,
    source: SourcePlan,
    aggregate: Aggregate,
    leaves: tuple[Leaf, ...],
    grain: Grain,
    labels: tuple[str, ...],
) -> Stages:
    subject = plan.subject
    match = time_match(plan, source, grain, labels)
    chosen = newest(source, leaves, grain, subject.calendar)
    if aggregate.query is not None and not chosen:
        match = {"$and": [match, aggregate.query]}
    stages: Stages = [{"$match": match}, *chosen]
    if aggregate.query is not None and chosen:
        stages.append({"$match": aggregate.query})
    conditions = [expr.to_condition(one) for one in aggregate.filters]
    if conditions:
        stages.append({"$match": {"$expr": conditions[0] if len(conditions) == 1 else {"$and": conditions}}})
    time = source.source.time
    moment = instant.value(time)
    group: Stage = {"p": lb.of_time(grain, moment, subject.calendar)}
    for at, key in enumerate(source.key):
        group[f"k{at}"] = lb.key_value(key, expr.to_agg(key.expr), subject.timezone)
    # Where ranges hold instants of other partitions, the part that they give of those is no whole one.
    whole = instant.exact(time) and not partition.ragged(grain, labels, subject.calendar)
    made, states = grouped(aggregate, leaves, group, () if whole else labels, moment)
    return [*stages, *made, part(source.key, states)]

"""From an aggregate of a source to stages: the literal time range first, then the filters, then one group.

Each pipeline yields *parts*: ``{_id: key text, p: label, k: {dimension: value}, <leaf id>: state, …}``. Parts
of the same ``_id`` from several scans and sources join without fan-out, by their fields side by side.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from dashpipe import expr
from dashpipe.compile import instant, partition
from dashpipe.compile.emit import labels as lb
from dashpipe.compile.emit.accumulate import accumulator
from dashpipe.compile.plan import Aggregate, Key, Leaf, Plan, SourcePlan
from dashpipe.expr import FieldType
from dashpipe.spec.model import Grain

Stage = dict[str, Any]
Stages = list[Stage]


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
    if aggregate.query is not None:
        match = {"$and": [match, aggregate.query]}
    stages: Stages = [{"$match": match}]
    conditions = [expr.to_condition(one) for one in aggregate.filters]
    if conditions:
        stages.append({"$match": {"$expr": conditions[0] if len(conditions) == 1 else {"$and": conditions}}})
    label = lb.of_time(grain, instant.value(source.source.time), subject.calendar)
    group: dict[str, Any] = {"p": label}
    for at, key in enumerate(source.key):
        group[f"k{at}"] = lb.key_value(key, expr.to_agg(key.expr), subject.timezone)
    # Where ranges hold instants of other partitions, the part that they give of those is no whole one.
    own = (
        [{"$match": {"_id.p": {"$in": list(labels)}}}]
        if not instant.exact(source.source.time) or partition.ragged(grain, labels, subject.calendar)
        else []
    )
    distinct = aggregate.distinct
    if distinct is None:
        stages += [{"$group": {"_id": group, **{leaf.id: accumulator(leaf) for leaf in leaves}}}, *own]
    else:
        assert distinct.expr is not None
        stages += [{"$group": {"_id": {**group, "v": expr.to_agg(distinct.expr)}}}, *own]
        again = {name: f"$_id.{name}" for name in group}
        counted = {"$sum": {"$cond": [{"$gt": ["$_id.v", None]}, 1, 0]}}
        stages.append({"$group": {"_id": again, distinct.id: counted}})
    return [*stages, part(source.key, leaves)]


def part(key: tuple[Key, ...], leaves: tuple[Leaf, ...]) -> Stage:
    """The stage that turns a group into a part."""
    made: dict[str, Any] = {"_id": lb.key_text(_grouped(key), "$_id.p", "$_id"), "p": "$_id.p"}
    if key:
        made["k"] = {one.name: _stored(one, f"$_id.k{at}") for at, one in enumerate(key)}
    return {"$project": {**made, **{leaf.id: 1 for leaf in leaves}}}


def _stored(key: Key, grouped: str) -> Any:
    # Grouped, int 1 and long 1 are one key; stored, whole numbers are longs.
    return {"$toLong": grouped} if key.type is FieldType.INTEGER else grouped


def _grouped(key: tuple[Key, ...]) -> tuple[Key, ...]:
    return tuple(
        Key(f"k{at}", one.expr, FieldType.STRING if one.type is FieldType.DATE else one.type)
        for at, one in enumerate(key)
    )

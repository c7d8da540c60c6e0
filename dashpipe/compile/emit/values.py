"""Kept values: what distinct counts count, by key and partition of the finest grain, and counts of them.

A kept value is ``{_id, partition_date, leaf, k: {dimension: value}, v: value, s: {leaf id: state}}``, at
hours with ``partition_hour``. ``s`` holds what a condition over values (`having`) is judged by.
"""

from __future__ import annotations

from typing import Any

from dashpipe.compile import instant
from dashpipe.compile import leaves as table
from dashpipe.compile.emit import labels as lb
from dashpipe.compile.emit import levels
from dashpipe.compile.emit.grouping import by_value, id_of, kept_key, part
from dashpipe.compile.emit.rollup import both, inside, label
from dashpipe.compile.emit.scan import Reading, Ref, labelled, merge
from dashpipe.compile.emit.stages import Stage, Stages
from dashpipe.compile.leaves import kind_of
from dashpipe.compile.plan import Key, Leaf, Plan
from dashpipe.expr import FieldType
from dashpipe.spec.model import Grain


def values(plan: Plan, source: str, labels: tuple[str, ...]) -> list[Stages]:
    """The pipelines that yield the values to keep of some partitions, each to be run on the source.

    Args:
        plan: The plan.
        source: The source's name.
        labels: Partitions of the finest grain, at least one.
    """
    one, grain = plan.source(source), plan.grains[0]
    left = {leaf.id for leaf in plan.kept_of(source)}
    pipelines = []
    for aggregate in one.aggregates:
        for leaf in aggregate.leaves:
            if leaf.id in left:
                left.remove(leaf.id)
                how = Reading(grain, labels, key=one.key)
                stages, group, own = labelled(plan, one, aggregate, (leaf,), how)
                fields, states = levels.kept(aggregate.level, (leaf,), instant.value(one.source.time))
                stages += by_value(leaf, fields, group, own)
                pipelines.append([*stages, _kept(leaf, one.key, grain, states)])
    return pipelines


def of_values(
    plan: Plan,
    grain: Grain,
    source: str,
    labels: tuple[str, ...],
    staged: tuple[str, ...],
    target: str,
    into: Ref | None,
) -> list[Stages]:
    """The pipelines that count kept values, each once, into parts; run on the values of this run.

    Args:
        plan: The plan.
        grain: The grain of the parts.
        source: The source's name.
        labels: Its partitions.
        staged: The partitions of the finest grain that this run has; of the others, what is stored counts.
        target: The collection of stored values, in the same database.
        into: The parts collection to merge into, or ``None`` to yield the parts.
    """
    one = plan.source(source)
    wanted = {leaf.id for leaf in one.own_at(grain)}
    return [
        [*counts(plan, grain, labels, staged, target, leaf, one.key), *merge(into)]
        for leaf in plan.kept_of(source)
        if leaf.id in wanted
    ]


def counts(
    plan: Plan,
    grain: Grain,
    labels: tuple[str, ...],
    staged: tuple[str, ...],
    target: str,
    leaf: Leaf,
    key: tuple[Key, ...],
) -> Stages:
    """The pipeline that counts the kept values of one leaf in partitions, by some of its dimensions.

    Args:
        plan: The plan.
        grain: The grain of the partitions.
        labels: The partitions.
        staged: As ``of_values``.
        target: As ``of_values``.
        leaf: The leaf that is counted: its own values are kept, or those of its base.
        key: The dimensions.
    """
    finest, calendar = plan.grains[0], plan.subject.calendar
    days = inside(grain, labels, finest, calendar)
    group: Stage = {"p": label(finest)}
    if grain is not finest:
        group["p"] = lb.of_label(grain, "$partition_date", calendar, labels)
    group |= {f"k{at}": {"$ifNull": [f"$k.{one.name}", None]} for at, one in enumerate(key)}
    stages = both({"leaf": leaf.base or leaf.id}, finest, days, staged, target)
    fields, between = levels.again(kind_of(leaf).level, (leaf,))
    stages += [{"$group": {"_id": {"g": group, "v": "$v"}, **fields}}, *between]
    fields, states = table.collected((leaf,), None)
    return [*stages, {"$group": {"_id": "$_id.g", **fields}}, part(key, states)]


def _kept(leaf: Leaf, key: tuple[Key, ...], grain: Grain, states: Stage) -> Stage:
    """The stage that makes a kept value of a group by key and value."""
    assert leaf.expr is not None
    value: Any = "$_id.v"
    if leaf.expr.type is FieldType.INTEGER:
        value = {"$toLong": value}
    one = lb.text(value, leaf.expr.type or FieldType.STRING)
    made: Stage = {
        "_id": {"$concat": [id_of(key, "$_id.g"), "|", leaf.id, "|", one]},
        "partition_date": {"$substrBytes": ["$_id.g.p", 0, 10]},
        "leaf": {"$literal": leaf.id},
        **kept_key(key, "$_id.g"),
        "v": value,
    }
    if grain is Grain.HOUR:
        made["partition_hour"] = {"$substrBytes": ["$_id.g.p", 11, 8]}
    if states:
        made["s"] = states
    return {"$project": made}

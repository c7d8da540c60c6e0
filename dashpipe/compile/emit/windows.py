"""Counts of kept values over more than a row's own partition and key: what reaches back, and wholes.

A value that is kept on many days is brought to each partition that takes one of them, and counted there once.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Any

from dashpipe.compile import leaves as table
from dashpipe.compile.covers import Cover, covers
from dashpipe.compile.emit import levels
from dashpipe.compile.emit.grouping import part
from dashpipe.compile.emit.reach import Beside, Of, keys_of, place_of, without
from dashpipe.compile.emit.rollup import label
from dashpipe.compile.emit.spread import rows, spread
from dashpipe.compile.emit.stages import Stage, Stages
from dashpipe.compile.emit.values import counts
from dashpipe.compile.leaves import kind_of
from dashpipe.compile.plan import Leaf, Plan
from dashpipe.spec.model import Grain

_DAY = timedelta(days=1)


def over_values(
    plan: Plan,
    grain: Grain,
    source: str,
    labels: tuple[str, ...],
    staged: tuple[str, ...],
    target: str,
    as_of: datetime | None = None,
) -> list[tuple[Beside | None, Stages]]:
    """The pipelines that count what leaves reach back to, run on the kept values of this run.

    Args:
        plan: The plan.
        grain: The grain of the rows.
        source: The source's name.
        labels: The partitions; all values that they take are staged or stored.
        staged: The partitions of the finest grain that this run has; of the others, what is stored counts.
        target: The collection of stored values, in the same database.
        as_of: The run's instant; ``None``: all partitions are over.

    Returns:
        For each what its parts are of (``None``: the rows' own keys), and its stages, which yield them.
    """
    how, finest = plan.merging(source, grain), plan.grains[0]
    pipelines: list[tuple[Beside | None, Stages]] = []
    for leaf in () if how is None else how.counted:
        taken = covers(leaf.frame, grain, labels, plan.subject.calendar, as_of)
        if not taken:
            continue
        key = keys_of(plan.source(source), leaf.frame.of)
        here: dict[str, Any] = {"leaf": leaf.base, **rows(taken)}
        there = [{"$match": {**here, **without(finest, staged)}}]
        group: Stage = {"p": label(leaf.frame.atom(grain))}
        group |= {f"k{at}": {"$ifNull": [f"$k.{one.name}", None]} for at, one in enumerate(key)}
        group["v"] = "$v"
        stages: Stages = [{"$match": here}, {"$unionWith": {"coll": target, "pipeline": there}}]
        stages += [*_gathered(leaf, group, taken), *spread(taken)]
        fields, between = levels.again(kind_of(leaf).level, (leaf,))
        again = {"g": {name: f"$_id.{name}" for name in group if name != "v"}, "v": "$_id.v"}
        stages += [{"$group": {"_id": again, **fields}}, *between]
        fields, states = table.collected((leaf,), None)
        stages += [{"$group": {"_id": "$_id.g", **fields}}, part(key, states)]
        pipelines.append((place_of(leaf.frame), stages))
    return pipelines


def over_wholes(
    plan: Plan, grain: Grain, source: str, labels: tuple[str, ...], staged: tuple[str, ...], target: str
) -> list[tuple[Of, Stages]]:
    """The pipelines that count kept values of partitions by the keys of wholes, run as ``over_values``.

    Returns:
        For each the key of its whole, and its stages.
    """
    one = plan.source(source)
    return [
        (of, counts(plan, grain, labels, staged, target, leaf, keys_of(one, of)))
        for leaf in plan.shared_of(source, grain)
        if (of := leaf.frame.of) is not None
    ]


def _gathered(leaf: Leaf, group: Stage, taken: Iterable[Cover]) -> Stages:
    """The stages that make one document of a value and key: of the days that all covers take, together.

    Who comes every day is so brought to each partition once, and not for every day again.
    """
    given = tuple(taken)
    start = max(date.min if one.start is None else one.start for one in given)
    end = min(one.end for one in given)
    having = leaf.options.having
    if start >= end:
        return [{"$project": {"_id": group, **({} if having is None else {"s": 1})}}]
    inside: list[Any] = [{"$lt": ["$partition_date", end.isoformat()]}]
    if start != date.min:
        inside.append({"$gte": ["$partition_date", start.isoformat()]})
    day = {"$cond": [{"$and": inside}, (end - _DAY).isoformat(), group["p"]]}
    by: Stage = {**group, "p": day}
    if having is None:
        return [{"$group": {"_id": by}}]
    fields, states = table.merged(having.leaves, lambda one: f"$s.{one.id}")
    return [{"$group": {"_id": by, **fields}}, {"$project": {"s": states}}]

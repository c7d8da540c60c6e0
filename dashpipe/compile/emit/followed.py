"""Balances that are carried always: from what is kept of each key up to a day, and the documents since.

What is kept is ``{grain, source, gen, b: {b0: key, …}, s: what was seen last}``, a document a key of balances
(``emit.per`` says what is seen). Documents may lie on another cluster: what they give is gathered first, in a
collection beside the rows, as ``{p: partition, b, m, e}``, and joined there with what is kept.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

from dashpipe.compile import instant
from dashpipe.compile import leaves as table
from dashpipe.compile.covers import Cover, covers
from dashpipe.compile.emit import per
from dashpipe.compile.emit.grouping import part
from dashpipe.compile.emit.running import Standing, of_generation
from dashpipe.compile.emit.scan import TAKING, Reading, Ref, labelled, merge
from dashpipe.compile.emit.stages import Stage, Stages
from dashpipe.compile.frame import Frame
from dashpipe.compile.leaves import balances
from dashpipe.compile.plan import Leaf, Plan, Running
from dashpipe.spec.model import Grain

_DAY = timedelta(days=1)


def followed(plan: Plan, grain: Grain, source: str) -> tuple[Leaf, ...]:
    """The leaves of a source and grain of which the last value of each key is kept."""
    return tuple(
        leaf for leaf in plan.source(source).leaves_at(grain) if plan.running_apart(leaf, grain) is not None
    )


def newer(
    plan: Plan,
    grain: Grain,
    leaf: Leaf,
    labels: tuple[str, ...],
    standing: Standing,
    start: date | None,
    as_of: datetime | None = None,
) -> Stages:
    """The pipeline that yields the balances of the documents which a state does not take, run on the source.

    Args:
        plan: The plan.
        grain: The grain of the partitions.
        leaf: The balances.
        labels: The partitions; all of them begin after the state's day.
        standing: The state.
        start: The first day that the state takes, where documents lie before it.
        as_of: The run's instant; ``None``: all partitions are over.
    """
    after = date.fromisoformat(standing.reach) + _DAY
    taken: list[Cover] = []
    for one in covers(leaf.frame, grain, labels, plan.subject.calendar, as_of):
        taken.append(replace(one, start=after))
        if start is not None:
            taken.append(replace(one, end=start, hours=()))
    return _each(plan, leaf, leaf.frame.atom(grain), labels, taken)


def carried_on(
    plan: Plan, grain: Grain, leaf: Leaf, labels: tuple[str, ...], standing: Standing, into: Ref | None
) -> Stages:
    """The pipeline from what is kept and what ``newer`` gave to parts of partitions, run on the latter."""
    source, running = plan.source(leaf.source), plan.running_apart(leaf, grain)
    assert running is not None
    before = "e" if leaf.kind == balances.FIRST else "m"
    # Where an offset leads nowhere, nothing is carried either.
    taking = [one.label for one in covers(leaf.frame, grain, labels, plan.subject.calendar)]
    kept: Stages = [
        {"$match": of_generation(running.name, running.atom, standing.gen)},
        {"$project": {"_id": 0, "p": {"$literal": taking}, "b": 1, before: "$s"}},
        {"$unwind": "$p"},
    ]
    key: Stage = {"p": "$p", **{name: f"$b.{name}" for name in _keys(leaf)}}
    best = {"m": {balances.KINDS[leaf.kind]: "$m"}, "e": {"$max": "$e"}}
    _, states = table.collected((leaf,), None)
    return [
        {"$match": {"p": {"$in": taking}}},
        {"$unionWith": {"coll": standing.collection, "pipeline": kept}},
        {"$group": {"_id": key, **best}},
        *per.summed(leaf, [f"k{at}" for at in range(len(source.key))], None),
        part(source.key, states),
        *merge(into),
    ]


def of_days(plan: Plan, running: Running, start: date, reach: date) -> Stages:
    """The pipeline that yields the last value of each key in some days, run on the source."""
    leaf = running.leaves[0]
    last = replace(leaf, kind=balances.LAST, frame=Frame())
    label = reach.isoformat()
    return _each(plan, last, running.atom, (label,), [Cover(label, start, reach + _DAY)])


def gathered(running: Running, standing: Standing | None, gen: int, into: Ref | None) -> Stages:
    """The pipeline from what ``of_days`` gave, and a state, to the next generation, run on the former."""
    stages: Stages = [{"$project": {"_id": 0, "b": 1, "m": 1}}]
    if standing is not None:
        kept: Stages = [
            {"$match": of_generation(running.name, running.atom, standing.gen)},
            {"$project": {"_id": 0, "b": 1, "m": "$s"}},
        ]
        stages.append({"$unionWith": {"coll": standing.collection, "pipeline": kept}})
    named = of_generation(running.name, running.atom, gen)
    made: dict[str, Any] = {name: {"$literal": value} for name, value in named.items()}
    return [
        *stages,
        {"$group": {"_id": {name: f"$b.{name}" for name in _keys(running.leaves[0])}, "m": {"$max": "$m"}}},
        {"$match": {"m": {"$ne": None}}},
        {"$project": {"_id": 0, **made, "b": "$_id", "s": "$m"}},
        *merge(into),
    ]


def _keys(leaf: Leaf) -> list[str]:
    return [f"b{at}" for at in range(len(leaf.options.per))]


def _each(plan: Plan, leaf: Leaf, atom: Grain, labels: tuple[str, ...], taken: Iterable[Cover]) -> Stages:
    """The stages from documents to the balances of the partitions that take them; none where none does."""
    source, given = plan.source(leaf.source), tuple(taken)
    if not given:
        return []
    found = next(one for one in source.aggregates if any(each.id == leaf.id for each in one.leaves))
    how = Reading(atom, labels, key=source.key, covers=given, early=False)
    stages, group, _ = labelled(plan, source, replace(found, leaves=(leaf,)), (leaf,), how)
    within = f"${TAKING}.own" if leaf.frame.own else None
    each = per.each(leaf, group, (), instant.value(source.source.time), within)
    shown = {"_id": 0, "p": "$_id.p", "b": {name: f"$_id.{name}" for name in _keys(leaf)}, "m": 1, "e": 1}
    return [*stages, *each, {"$project": shown}]

"""Balances that are carried always, and cohorts: from what is kept of each key up to a day, and documents.

What is kept of balances is ``{grain, source, gen, b: {b0: key, …}, s: what was seen last}``, a document a key
of balances (``emit.per`` says what is seen); ``emit.entities`` says what is kept of cohorts. Documents may
lie on another cluster: what they give is gathered first, in a collection beside the rows, of balances as
``{p: partition, b, m, e}``, and joined there with what is kept.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

from dashpipe.compile import instant
from dashpipe.compile import leaves as table
from dashpipe.compile.covers import Cover, covers
from dashpipe.compile.emit import entities, per
from dashpipe.compile.emit.cohorts import who
from dashpipe.compile.emit.grouping import part
from dashpipe.compile.emit.running import Standing, of_generation
from dashpipe.compile.emit.scan import TAKING, Reading, Ref, labelled, merge
from dashpipe.compile.emit.stages import Stage, Stages
from dashpipe.compile.frame import Frame
from dashpipe.compile.leaves import balances
from dashpipe.compile.plan import Leaf, Plan, Running
from dashpipe.spec.model import COHORTS, Grain

_DAY = timedelta(days=1)


def followed(plan: Plan, grain: Grain, source: str) -> tuple[Leaf, ...]:
    """The leaves of a source and grain that go on from what is kept of each key."""
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
    """The pipeline that yields what a leaf takes of the documents beside a state, run on the source.

    Args:
        plan: The plan.
        grain: The grain of the partitions.
        leaf: The leaf.
        labels: The partitions; of balances, all of them begin after the state's day.
        standing: The state.
        start: The first day that the state takes, where documents lie before it.
        as_of: The run's instant; ``None``: all partitions are over.
    """
    if leaf.kind in COHORTS:
        return entities.newer(plan, grain, leaf, labels, standing, start)
    after = date.fromisoformat(standing.reach) + _DAY
    taken: list[Cover] = []
    for one in covers(leaf.frame, grain, labels, plan.subject.calendar, as_of):
        taken.append(replace(one, start=after))
        if start is not None:
            taken.append(replace(one, end=start, hours=()))
    return _each(plan, leaf, leaf.frame.atom(grain), labels, taken)


def carried_on(
    plan: Plan,
    grain: Grain,
    leaf: Leaf,
    labels: tuple[str, ...],
    standing: Standing,
    as_of: datetime | None,
    into: Ref | None,
) -> Stages:
    """The pipeline from what is kept and what ``newer`` gave to parts of partitions, run on the latter."""
    if leaf.kind in COHORTS:
        return entities.followed(plan, grain, leaf, labels, standing, as_of, into)
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
    key: Stage = {"p": "$p", **{name: f"$b.{name}" for name in _keys(plan, leaf)}}
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
    """The pipeline that yields what is to be kept of each key in some days, run on the source."""
    leaf = running.leaves[0]
    if leaf.kind in COHORTS:
        return entities.of_days(plan, running, start, reach)
    last = replace(leaf, kind=balances.LAST, frame=Frame())
    label = reach.isoformat()
    return _each(plan, last, running.atom, (label,), [Cover(label, start, reach + _DAY)])


def gathered(plan: Plan, running: Running, standing: Standing | None, gen: int, into: Ref | None) -> Stages:
    """The pipeline from what ``of_days`` gave, and a state, to the next generation, run on the former."""
    leaf = running.leaves[0]
    best = "$min" if leaf.kind in COHORTS else "$max"
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
        {"$group": {"_id": {name: f"$b.{name}" for name in _keys(plan, leaf)}, "m": {best: "$m"}}},
        {"$match": {"m": {"$ne": None}}},
        {"$project": {"_id": 0, **made, "b": "$_id", "s": "$m"}},
        *merge(into),
    ]


def _keys(plan: Plan, leaf: Leaf) -> list[str]:
    if leaf.kind in COHORTS:
        return list(who(plan, leaf))
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
    shown = {
        "_id": 0,
        "p": "$_id.p",
        "b": {name: f"$_id.{name}" for name in _keys(plan, leaf)},
        "m": 1,
        "e": 1,
    }
    return [*stages, *each, {"$project": shown}]

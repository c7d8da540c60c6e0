"""The running state: the states of all days (or hours) up to one day, merged, a document a key.

A document is ``{_id, grain, source, gen, k: {dimension: value}, s: {leaf id: state}}``. ``gen`` is the
generation that it is of: all of one are made at once and never changed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from dashpipe.compile.emit.grouping import id_of, kept_key
from dashpipe.compile.emit.scan import Ref, merge
from dashpipe.compile.emit.stages import Stage, Stages
from dashpipe.compile.leaves import merged
from dashpipe.compile.plan import Plan, Running, SourcePlan
from dashpipe.spec.model import Grain


@dataclass(frozen=True, slots=True)
class Standing:
    """A running state that holds: its collection, its generation, and the last day that it takes (ISO)."""

    collection: str
    gen: int
    reach: str


def of_generation(source: str, atom: Grain, gen: int) -> Stage:
    """The filter for the documents of a generation."""
    return {"grain": atom.value, "source": source, "gen": gen}


def kept_groups(
    one: SourcePlan, atom: Grain, standing: Standing, states: dict[str, str], label: str
) -> Stage:
    """The stage that adds a running state to groups of days, as groups of one of them.

    Args:
        one: The source.
        atom: Of which partitions the states are.
        standing: The running state.
        states: By the name of a field of the groups, the leaf whose state it is.
        label: The day.
    """
    group: Stage = {"p": {"$literal": label}}
    group |= {f"k{at}": {"$ifNull": [f"$k.{key.name}", None]} for at, key in enumerate(one.key)}
    fields = {name: f"$s.{leaf}" for name, leaf in states.items()}
    stages: Stages = [
        {"$match": of_generation(one.name, atom, standing.gen)},
        {"$project": {"_id": group, **fields}},
    ]
    return {"$unionWith": {"coll": standing.collection, "pipeline": stages}}


def advanced(
    plan: Plan, running: Running, standing: Standing | None, reach: str, gen: int, into: Ref | None
) -> Stages:
    """The pipeline that makes a generation, run on the target of the days (or hours).

    Args:
        plan: The plan.
        running: What is kept running.
        standing: The running state that it goes on from; ``None``: from the first row.
        reach: The last day to take.
        gen: The generation to make.
        into: The collection to merge into, or ``None`` to yield the documents.
    """
    one = plan.source(running.source)
    after = {} if standing is None else {"$gt": standing.reach}
    group: Stage = {"p": {"$literal": reach}}
    group |= {f"k{at}": {"$ifNull": [f"${key.name}", None]} for at, key in enumerate(one.key)}
    there = {f"_state.{one.presence.id}": {"$exists": True}, "partition_date": {**after, "$lte": reach}}
    stages: Stages = [
        {"$match": there},
        {"$project": {"_id": group, **{leaf.id: f"$_state.{leaf.id}" for leaf in running.leaves}}},
    ]
    if standing is not None:
        same = {leaf.id: leaf.id for leaf in running.leaves}
        stages.append(kept_groups(one, running.atom, standing, same, reach))
    fields, states = merged(running.leaves, lambda leaf: f"${leaf.id}")
    begin = f"{running.atom.value}|{running.source}|{gen}|"
    made: dict[str, Any] = {
        "_id": {"$concat": [{"$literal": begin}, id_of(one.key, "$_id")]},
        **{name: {"$literal": value} for name, value in of_generation(one.name, running.atom, gen).items()},
        **kept_key(one.key, "$_id"),
        "s": states,
    }
    return [*stages, {"$group": {"_id": "$_id", **fields}}, {"$project": made}, *merge(into)]

"""Parts by what is looked up: those of a hidden key are merged by the value that was found for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dashpipe.compile.emit.grouping import row_text
from dashpipe.compile.emit.scan import Ref, merge
from dashpipe.compile.emit.stages import Stage, Stages
from dashpipe.compile.leaves import merged
from dashpipe.compile.plan import Key, LookupPlan, Plan, SourcePlan
from dashpipe.spec.model import Grain

#: A value that is not there, in the text of an ``_id``.
_NULL = "\\N"


def grouped(plan: Plan, grain: Grain, lookups: Mapping[str, str], into: Ref) -> list[Stages]:
    """The pipelines that merge the parts of hidden keys into those of the rows, run on the parts.

    A source each: what one has no documents of stays absent.

    Args:
        plan: The plan; all leaves of the grain merge.
        grain: The grain of the parts.
        lookups: For each looked-up dimension, the collection of what was found, in the same database: ``t``
            beside a value ``v`` is its text in an ``_id``.
        into: The parts collection to merge into.
    """
    return [[*_merged(plan, grain, source, lookups), *merge(into)] for source in plan.sources]


def found_by(one: LookupPlan, field: str = "v") -> Any:
    """What a lookup found for a part; of a lookup with validity, on the last day of its partition."""
    # Not `$l_name.v`: engines in use find nothing on a path through an array.
    found: Any = {"$first": f"$l_{one.name}"}
    if one.lookup.valid is not None:
        held = {"$let": {"vars": {"one": found}, "in": {"$ifNull": ["$$one.at", []]}}}
        found = {"$first": {"$filter": {"input": held, "as": "at", "cond": {"$eq": ["$$at.p", "$p"]}}}}
    return {"$let": {"vars": {"one": found}, "in": f"$$one.{field}"}}


def _merged(plan: Plan, grain: Grain, source: SourcePlan, lookups: Mapping[str, str]) -> Stages:
    hidden = plan.subject.hidden_keys
    key = tuple(one for one in source.key if one.name not in hidden)
    by = [one for one in plan.lookups if one.grouped]
    stages: Stages = [{"$match": {source.presence.id: {"$exists": True}}}]
    for one in by:
        found = {"from": lookups[one.name], "localField": f"k.{one.key}", "foreignField": "_id"}
        stages.append({"$lookup": {**found, "as": f"l_{one.name}"}})
    group: Stage = {"p": "$p"}
    group |= {f"k{at}": {"$ifNull": [f"$k.{one.name}", None]} for at, one in enumerate(key)}
    # By the text: 1 and "1" are two rows, of two `_id`s, on every engine.
    group |= {f"t{at}": {"$ifNull": [found_by(one, "t"), _NULL]} for at, one in enumerate(by)}
    values = {f"v{at}": {"$first": {"$ifNull": [found_by(one), None]}} for at, one in enumerate(by)}
    leaves = tuple(leaf for leaf in source.own_at(grain) if leaf.merges)
    fields, states = merged(leaves, lambda leaf: f"${leaf.id}")
    stages.append({"$group": {"_id": group, **values, **fields}})
    return [*stages, {"$project": {**_named(key, by), **states}}]


def _named(key: tuple[Key, ...], by: list[LookupPlan]) -> Stage:
    """The ``_id`` of a part of the row's key, its label and its dimensions."""
    texts = {one.name: row_text(one, f"$_id.k{at}") for at, one in enumerate(key)}
    texts |= {one.name: f"$_id.t{at}" for at, one in enumerate(by)}
    joined: list[Any] = ["$_id.p"]
    for name in sorted(texts):
        joined += ["|", texts[name]]
    values = {one.name: f"$_id.k{at}" for at, one in enumerate(key)}
    values |= {one.name: f"$v{at}" for at, one in enumerate(by)}
    return {"_id": {"$concat": joined}, "p": "$_id.p", "k": values}

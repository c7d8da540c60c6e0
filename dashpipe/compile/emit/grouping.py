"""From labelled documents to parts: one group by key, or, below it, one by key and value."""

from __future__ import annotations

from typing import Any

from dashpipe import expr
from dashpipe.compile import leaves as table
from dashpipe.compile.emit import labels as lb
from dashpipe.compile.emit import levels, per
from dashpipe.compile.emit.stages import Stage, Stages
from dashpipe.compile.leaves import balances
from dashpipe.compile.plan import Aggregate, Key, Leaf
from dashpipe.expr import FieldType


def grouped(
    aggregate: Aggregate, leaves: tuple[Leaf, ...], group: Stage, own: tuple[str, ...], moment: Any
) -> tuple[Stages, dict[str, Any]]:
    """The stages that compute leaves of one level from documents, and the state of each leaf after them.

    Args:
        aggregate: What is computed.
        leaves: Its leaves that are wanted.
        group: The parts of a document's group, as expressions by name; ``p`` is the partition's label.
        own: The partitions that count, where the documents may hold some of others; else empty.
        moment: The expression for a document's instant.
    """
    fields, states = table.collected(leaves, moment)
    if not aggregate.level:
        return [{"$group": {"_id": group, **fields}}, *_inside("_id.p", own)], states
    if aggregate.level == balances.KEYS:
        return per.grouped(leaves[0], group, own, moment), states
    value = leaves[0].expr
    assert value is not None
    each, between = levels.of(aggregate.level, leaves, moment)
    below = {"$group": {"_id": {"g": group, "v": expr.to_agg(value)}, **each}}
    there = {"$match": {"$expr": {"$gt": ["$_id.v", None]}}}
    again = {"$group": {"_id": "$_id.g", **fields}}
    return [below, *_inside("_id.g.p", own), there, *between, again], states


def _inside(path: str, labels: tuple[str, ...]) -> Stages:
    return [{"$match": {path: {"$in": list(labels)}}}] if labels else []


def part(key: tuple[Key, ...], states: dict[str, Any]) -> Stage:
    """The stage that turns a group into a part."""
    made: Stage = {"_id": lb.key_text(_grouped(key), "$_id.p", "$_id"), "p": "$_id.p"}
    if key:
        made["k"] = {one.name: _stored(one, f"$_id.k{at}") for at, one in enumerate(key)}
    return {"$project": {**made, **states}}


def _stored(key: Key, grouped: str) -> Any:
    # Grouped, int 1 and long 1 are one key; stored, whole numbers are longs.
    return {"$toLong": grouped} if key.type is FieldType.INTEGER else grouped


def _grouped(key: tuple[Key, ...]) -> tuple[Key, ...]:
    return tuple(_written(one, f"k{at}") for at, one in enumerate(key))


def _written(key: Key, name: str) -> Key:
    # Grouped and stored, a date is the text of its local day.
    return Key(name, key.expr, FieldType.STRING if key.type is FieldType.DATE else key.type)


def text_of(key: tuple[Key, ...], label: Any, prefix: str) -> Any:
    """The ``_id`` of a part with these dimensions, from the values that rows hold below ``prefix``."""
    return lb.key_text(tuple(_written(one, one.name) for one in key), label, prefix)

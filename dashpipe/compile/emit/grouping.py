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
    aggregate: Aggregate,
    leaves: tuple[Leaf, ...],
    group: Stage,
    own: tuple[str, ...],
    moment: Any,
    within: Any = None,
) -> tuple[Stages, dict[str, Any]]:
    """The stages that compute leaves of one level from documents, and the state of each leaf after them.

    Args:
        aggregate: What is computed.
        leaves: Its leaves that are wanted.
        group: The parts of a document's group, as expressions by name; ``p`` is the partition's label.
        own: The partitions that count, where the documents may hold some of others; else empty.
        moment: The expression for a document's instant.
        within: Where documents of before the partition are carried to it, whether one is of it.
    """
    fields, states = table.collected(leaves, moment)
    if not aggregate.level:
        return [{"$group": {"_id": group, **fields}}, *_inside("_id.p", own)], states
    if aggregate.level == balances.KEYS:
        return per.grouped(leaves[0], group, own, moment, within), states
    each, between = levels.of(aggregate.level, leaves, moment)
    again = {"$group": {"_id": "$_id.g", **fields}}
    return [*by_value(leaves[0], each, group, own), *between, again], states


def by_value(leaf: Leaf, each: Stage, group: Stage, own: tuple[str, ...]) -> Stages:
    """The stages that group documents by key and value: ``{_id: {g: key, v: value}, …}``, without nulls.

    Args:
        leaf: A leaf over that value.
        each: The accumulators.
        group: The parts of a document's group, as expressions by name; ``p`` is the partition's label.
        own: The partitions that count, where the documents may hold some of others; else empty.
    """
    assert leaf.expr is not None
    below = {"$group": {"_id": {"g": group, "v": expr.to_agg(leaf.expr)}, **each}}
    return [below, *_inside("_id.g.p", own), {"$match": {"$expr": {"$gt": ["$_id.v", None]}}}]


def _inside(path: str, labels: tuple[str, ...]) -> Stages:
    return [{"$match": {path: {"$in": list(labels)}}}] if labels else []


def part(key: tuple[Key, ...], states: dict[str, Any]) -> Stage:
    """The stage that turns a group into a part."""
    made: Stage = {"_id": id_of(key, "$_id"), "p": "$_id.p", **kept_key(key, "$_id")}
    return {"$project": {**made, **states}}


def id_of(key: tuple[Key, ...], group: str) -> Any:
    """The ``_id`` of a part, from its group."""
    return lb.key_text(_grouped(key), f"{group}.p", group)


def kept_key(key: tuple[Key, ...], group: str) -> Stage:
    """The dimensions of a part, from its group; without dimensions there is no such field."""
    return {"k": {one.name: _stored(one, f"{group}.k{at}") for at, one in enumerate(key)}} if key else {}


def _stored(key: Key, grouped: str) -> Any:
    # Grouped, int 1 and long 1 are one key; stored, whole numbers are longs.
    return {"$toLong": grouped} if key.type is FieldType.INTEGER and not key.found else grouped


def _grouped(key: tuple[Key, ...]) -> tuple[Key, ...]:
    return tuple(_written(one, f"k{at}") for at, one in enumerate(key))


def _written(key: Key, name: str) -> Key:
    # Grouped and stored, a date is the text of its local day.
    return Key(name, key.expr, FieldType.STRING if key.type is FieldType.DATE else key.type, key.found)


def text_of(key: tuple[Key, ...], label: Any, prefix: str) -> Any:
    """The ``_id`` of a part with these dimensions, from the values that rows hold below ``prefix``."""
    return lb.key_text(tuple(_written(one, one.name) for one in key), label, prefix)

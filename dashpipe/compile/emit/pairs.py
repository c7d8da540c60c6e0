"""Values beside hidden keys: of two of these one thing may be found, and a value of both counts once.

Where rows are grouped by what is looked up, distinct counts, ranks and lists cannot be made a hidden key: the
values wait, ``{a: leaf id, p: label, k: {dimension: value}, v: value, s: {…}}``, a document each, until what
is looked up is there. ``s`` is what ``levels.again`` merges. They have no ``_id`` of their own.
"""

from __future__ import annotations

from typing import Any

from dashpipe.compile import leaves as table
from dashpipe.compile.emit import levels
from dashpipe.compile.emit.grouping import by_value, kept_key, part
from dashpipe.compile.emit.stages import Stage, Stages
from dashpipe.compile.plan import Aggregate, Key, Leaf


def by_key_and_value(
    aggregate: Aggregate,
    leaves: tuple[Leaf, ...],
    key: tuple[Key, ...],
    group: Stage,
    own: tuple[str, ...],
    moment: Any,
) -> Stages:
    """The stages that make values beside hidden keys of labelled documents.

    Args:
        aggregate: What is computed.
        leaves: Its leaves that are wanted.
        key: The dimensions of the groups.
        group: The parts of a document's group, as expressions by name; ``p`` is the partition's label.
        own: The partitions that count, where the documents may hold some of others; else empty.
        moment: The expression for a document's instant.
    """
    each, states = levels.kept(aggregate.level, leaves, moment)
    made: Stage = {"_id": 0, "a": {"$literal": leaves[0].id}, "p": "$_id.g.p", **kept_key(key, "$_id.g")}
    made |= {"v": "$_id.v", **({"s": states} if states else {})}
    return [*by_value(leaves[0], each, group, own), {"$project": made}]


def counted(aggregate: Aggregate, leaves: tuple[Leaf, ...], key: tuple[Key, ...], group: Stage) -> Stages:
    """The stages that make parts of values beside the key that was found for them.

    Args:
        aggregate: What is computed.
        leaves: Its leaves that are wanted, as when the values were made.
        key: The dimensions of the parts.
        group: The parts of a value's group, as expressions by name.
    """
    each, between = levels.again(aggregate.level, leaves)
    fields, states = table.collected(leaves, None)
    return [
        {"$group": {"_id": {"g": group, "v": "$v"}, **each}},
        *between,
        {"$group": {"_id": "$_id.g", **fields}},
        part(key, states),
    ]

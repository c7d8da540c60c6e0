"""Between documents and parts of balances: the balance of each key, with the row that it counts in."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from dashpipe import expr
from dashpipe.compile import leaves as table
from dashpipe.compile.emit.stages import Stage, Stages
from dashpipe.compile.leaves import balances, conditional
from dashpipe.compile.plan import Leaf


def grouped(leaf: Leaf, group: Stage, own: tuple[str, ...], moment: Any, within: Any) -> Stages:
    """The stages that compute balances from documents.

    Args:
        leaf: The first or last values of each key, summed.
        group: The parts of a document's group, as expressions by name; ``p`` is the partition's label.
        own: The partitions that count, where the documents may hold some of others; else empty.
        moment: The expression for a document's instant.
        within: Whether a document is of the partition; ``None``: all are.
    """
    stages = each(leaf, group, own, moment, within)
    return [*stages, *summed(leaf, [name for name in group if name != "p"], moment)]


def each(leaf: Leaf, group: Stage, own: tuple[str, ...], moment: Any, within: Any) -> Stages:
    """The stages that find the balance of each key: groups ``{_id: {p, b0, …}, m: what was seen}``.

    What was seen is ``{t: instant, id, v: value, k: the row that it counts in}``. Where documents of before
    the partition are told apart, that of before is ``e``. Its arguments are those of ``grouped``.
    """
    row = {name: one for name, one in group.items() if name != "p"}
    # Documents compare field by field: the instant decides, then the id. What follows is carried along.
    seen = {"t": moment, "id": "$_id", "v": conditional.bare(leaf), "k": row}
    found = conditional.where_there(leaf, seen)
    best: dict[str, Any] = {"m": {balances.KINDS[leaf.kind]: found}}
    if within is not None and leaf.kind == balances.FIRST:
        best = {
            "m": {"$min": {"$cond": [within, found, None]}},
            "e": {"$max": {"$cond": [within, None, found]}},
        }
    keys = {f"b{at}": {"$ifNull": [expr.to_agg(one), None]} for at, one in enumerate(leaf.options.per)}
    stages: Stages = [{"$group": {"_id": {"p": group["p"], **keys}, **best}}]
    if own:
        stages.append({"$match": {"_id.p": {"$in": list(own)}}})
    return stages


def summed(leaf: Leaf, row: Iterable[str], moment: Any) -> Stages:
    """The stages that sum the balances of the keys by the row that each counts in.

    Args:
        leaf: The leaf.
        row: The names of the parts of a row's group.
        moment: The expression for a document's instant.
    """
    # The first of the partition, else the last of what was before it.
    both = leaf.frame.own and leaf.kind == balances.FIRST
    carried: Stages = [{"$set": {"m": {"$ifNull": ["$m", "$e"]}}}] if both else []
    again = {"p": "$_id.p", **{name: f"$m.k.{name}" for name in row}}
    fields, _ = table.collected((leaf,), moment)
    return [*carried, {"$match": {"m": {"$ne": None}}}, {"$group": {"_id": again, **fields}}]

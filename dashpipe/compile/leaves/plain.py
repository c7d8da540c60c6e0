"""Kinds whose state is a number or a value, merged by the accumulator that made it: count, sum, min, max."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dashpipe.compile.leaves import conditional
from dashpipe.compile.leaves.kind import Kind, positive
from dashpipe.compile.written import written
from dashpipe.expr import FieldType

if TYPE_CHECKING:
    from dashpipe.compile.leaves.kind import Accumulators
    from dashpipe.compile.plan import Leaf


def _count(leaf: Leaf, _moment: Any) -> Accumulators:
    return {leaf.id: {"$sum": conditional.counted(leaf)}}


def _over(name: str) -> Any:
    def over(leaf: Leaf, _moment: Any) -> Accumulators:
        return {leaf.id: {name: conditional.value(leaf)}}

    return over


def _merge(name: str) -> Any:
    def merge(leaf: Leaf, state: Any) -> Accumulators:
        return {leaf.id: {name: state}}

    return merge


def may_overflow(leaf: Leaf) -> bool:
    """Whether the server turns the leaf into a double where it leaves 64 bits: a sum of longs."""
    return leaf.kind in ("sum", "firsts", "lasts") and leaf.type is FieldType.INTEGER


def total(leaf: Leaf, state: Any) -> Any:
    """A sum in its written form."""
    if may_overflow(leaf):
        return {"$convert": {"input": state, "to": "long", "onError": None}}  # its problem says so
    return written(state, leaf.type)


def too_wide(leaf: Leaf) -> Any:
    """What is wrong with a sum that left 64 bits, as an expression; ``None`` where it cannot."""
    if not may_overflow(leaf):
        return None
    wide = {"$eq": [{"$type": f"${leaf.id}"}, "double"]}
    return {"$cond": [wide, f"{leaf.label}: the sum exceeds 64 bits", None]}


COUNT = Kind(over=_count, merge=_merge("$sum"), empty=0, matched=positive)
SUM = Kind(
    over=_over("$sum"),
    merge=_merge("$sum"),
    value=total,
    empty=0,
    matched=positive,
    problem=too_wide,
    doubles=("",),
)
MIN = Kind(over=_over("$min"), merge=_merge("$min"))
MAX = Kind(over=_over("$max"), merge=_merge("$max"))

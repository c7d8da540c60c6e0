"""Kinds over the base events of a journey, each with the number ``n`` of its conversions.

A base event is of one partition, whenever its conversions come, so that counts of them merge.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dashpipe.compile.leaves import plain
from dashpipe.compile.leaves.kind import Kind, positive

if TYPE_CHECKING:
    from dashpipe.compile.leaves.kind import Accumulators
    from dashpipe.compile.plan import Leaf


def _converted(leaf: Leaf, _moment: Any) -> Accumulators:
    return {leaf.id: {"$sum": {"$cond": [{"$gt": ["$n", 0]}, 1, 0]}}}


def _conversions(leaf: Leaf, _moment: Any) -> Accumulators:
    return {leaf.id: {"$sum": "$n"}}


CONVERTED = Kind(over=_converted, merge=plain.COUNT.merge, empty=0, matched=positive)
CONVERSIONS = Kind(over=_conversions, merge=plain.COUNT.merge, empty=0, matched=positive)

"""Kinds over the different values of a key, each with how often it occurs; their states do not merge."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dashpipe.compile.leaves.kind import Kind, positive

if TYPE_CHECKING:
    from dashpipe.compile.leaves.kind import Accumulators
    from dashpipe.compile.plan import Leaf

#: The level of kinds that look at the values alone.
VALUES = "values"


def _different(leaf: Leaf, _moment: Any) -> Accumulators:
    return {leaf.id: {"$sum": 1}}


DISTINCT = Kind(over=_different, empty=0, matched=positive, level=VALUES)

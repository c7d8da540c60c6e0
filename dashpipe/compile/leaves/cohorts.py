"""Cohorts: the shares of new entities that are seen again, a list. ``emit.cohorts`` makes it whole."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dashpipe.compile.leaves.kind import Kind

if TYPE_CHECKING:
    from dashpipe.compile.leaves.kind import Accumulators
    from dashpipe.compile.plan import Leaf


def _over(leaf: Leaf, _moment: Any) -> Accumulators:
    """Over one document an entity and period, the ``j``-th after its first: how many, how many again."""
    seen: Accumulators = {f"{leaf.id}_n": {"$sum": {"$cond": [{"$eq": ["$j", 0]}, 1, 0]}}}
    for later in range(leaf.options.periods + 1):
        seen[f"{leaf.id}_{later}"] = {"$sum": {"$cond": [{"$eq": ["$j", later]}, "$s", 0]}}
    return seen


def _state(leaf: Leaf) -> Any:
    shares = [
        {"$cond": [{"$gt": ["$b", later]}, {"$divide": [f"${leaf.id}_{later}", f"${leaf.id}_n"]}, None]}
        for later in range(leaf.options.periods + 1)
    ]
    return [{"$cond": [{"$gt": [one, None]}, {"$toDouble": one}, None]} for one in shares]


RETENTION = Kind(over=_over, state=_state, value=lambda _, state: state)

"""Balances: the first or last value of each key of its own (an account), summed over these keys.

A key has one balance, wherever its documents lie, and it counts in the row of the document that it is of: the
rows of a partition add up to the balance of all. Sums of balances do not merge over time: the month's last is
not made of the days' last.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dashpipe.compile.leaves import plain
from dashpipe.compile.leaves.kind import Kind

if TYPE_CHECKING:
    from dashpipe.compile.leaves.kind import Accumulators
    from dashpipe.compile.plan import Leaf

#: The level: one group a key of balances, below the one by the row's key; ``emit.per`` makes it.
KEYS = "keys"

FIRST, LAST = "firsts", "lasts"

#: The kinds, each with the accumulator that finds a key's balance.
KINDS = {FIRST: "$min", LAST: "$max"}


def _sum(leaf: Leaf, _moment: Any) -> Accumulators:
    return {leaf.id: {"$sum": "$m.v"}}


def _across(leaf: Leaf, state: Any) -> Accumulators:
    some = {"$cond": [{"$gt": [state, None]}, 1, 0]}
    return {leaf.id: {"$sum": state}, f"{leaf.id}_n": {"$sum": some}}


def _summed(leaf: Leaf) -> Any:
    # Of keys without a balance there is none, and not 0.
    return {"$cond": [{"$gt": [f"${leaf.id}_n", 0]}, f"${leaf.id}", None]}


_BALANCES = Kind(
    over=_sum,
    across=_across,
    merged=_summed,
    value=plain.total,
    problem=plain.too_wide,
    level=KEYS,
    doubles=("",),
)
FIRSTS = LASTS = _BALANCES

"""The kinds of leaves: for each how it is computed over documents, merged over states, and finished.

Everything that computes or merges a leaf goes through ``collected`` and ``merged``: a kind that is added to
the table is scanned, rolled up and finished without another line elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from dashpipe.compile.leaves import balances, cohorts, daily, ends, journeys, moments, plain, ranks
from dashpipe.compile.leaves.kind import Accumulators, Kind, Merge

if TYPE_CHECKING:
    from dashpipe.compile.plan import Leaf

#: Every kind of leaf, by name.
KINDS: dict[str, Kind] = {
    "count": plain.COUNT,
    "sum": plain.SUM,
    "min": plain.MIN,
    "max": plain.MAX,
    "first": ends.FIRST,
    "last": ends.LAST,
    "moments": moments.MOMENTS,
    "firsts": balances.FIRSTS,
    "lasts": balances.LASTS,
    "set": ranks.SET,
    "approximate": ranks.APPROXIMATE,
    "distinct": ranks.DISTINCT,
    "discrete": ranks.DISCRETE,
    "continuous": ranks.CONTINUOUS,
    "top": ranks.TOPMOST,
    "having": ranks.HELD,
    "converted": journeys.CONVERTED,
    "conversions": journeys.CONVERSIONS,
    "retention": cohorts.RETENTION,
    "daily": daily.DAILY,
}


def kind_of(leaf: Leaf) -> Kind:
    """The kind of a leaf."""
    return KINDS[leaf.kind]


def collected(leaves: Iterable[Leaf], moment: Any) -> tuple[Accumulators, dict[str, Any]]:
    """The accumulators over documents, and each leaf's state from the fields that they make.

    Args:
        leaves: Leaves of one source and one level.
        moment: The expression for a document's instant.
    """
    fields: Accumulators = {}
    states: dict[str, Any] = {}
    for leaf in leaves:
        kind = kind_of(leaf)
        fields.update(kind.over(leaf, moment))
        states[leaf.id] = kind.state(leaf)
    return fields, states


def merged(leaves: Iterable[Leaf], state: Callable[[Leaf], Any]) -> tuple[Accumulators, dict[str, Any]]:
    """The accumulators over stored states, and each leaf's merged state from the fields that they make.

    Args:
        leaves: Leaves whose kinds merge.
        state: The expression for a stored state of a leaf.
    """
    return _again(((leaf, kind_of(leaf).merge) for leaf in leaves), state)


def added_up(leaves: Iterable[Leaf], state: Callable[[Leaf], Any]) -> tuple[Accumulators, dict[str, Any]]:
    """As ``merged``, over states of one partition, of keys that have no document in common.

    Args:
        leaves: Leaves that add up.
        state: The expression for a state of a leaf.
    """
    kinds = ((leaf, kind_of(leaf)) for leaf in leaves)
    return _again(((leaf, kind.across or kind.merge) for leaf, kind in kinds), state)


def _again(
    leaves: Iterable[tuple[Leaf, Merge | None]], state: Callable[[Leaf], Any]
) -> tuple[Accumulators, dict[str, Any]]:
    fields: Accumulators = {}
    states: dict[str, Any] = {}
    for leaf, merge in leaves:
        assert merge is not None, leaf.kind
        fields.update(merge(leaf, state(leaf)))
        states[leaf.id] = kind_of(leaf).merged(leaf)
    return fields, states


def value(leaf: Leaf, state: Any) -> Any:
    """A leaf's value as rows hold it, from the expression for its state, which may be missing."""
    kind = kind_of(leaf)
    return kind.value(leaf, {"$ifNull": [state, kind.empty]})


def matched(leaf: Leaf, state: Any) -> Any:
    """Whether anything matched a leaf, from the expression for its state."""
    return kind_of(leaf).matched(state)

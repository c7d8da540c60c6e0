"""What is to be known of a kind of leaf: the table of kinds is made of these."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from dashpipe.compile.written import written

if TYPE_CHECKING:
    from dashpipe.compile.plan import Leaf

#: Accumulators of a ``$group`` (or of a window), by the field that each makes.
Accumulators = dict[str, Any]


#: Given the expression for a state, the accumulators that merge it.
Merge: TypeAlias = "Callable[[Leaf, Any], Accumulators]"


def _as_grouped(leaf: Leaf) -> Any:
    return f"${leaf.id}"


def _as_stored(leaf: Leaf, state: Any) -> Any:
    return written(state, leaf.type)


def there(state: Any) -> Any:
    """The test for a state that is not null."""
    return {"$gt": [state, None]}


def positive(state: Any) -> Any:
    """The test for a count above zero."""
    return {"$gt": [state, 0]}


@dataclass(frozen=True, slots=True)
class Kind:
    """How a kind of leaf is computed, merged and finished.

    Attributes:
        over: The accumulators over documents, given the expression for a document's instant; of a kind with
            a ``level``, over the groups of that level. Each field's name begins with the leaf's id.
        state: The state, from the fields that ``over`` made.
        merge: The accumulators that merge stored states, given the expression for one; ``None`` where states
            do not merge.
        merged: The state, from the fields that ``merge`` or ``across`` made.
        across: The accumulators that merge states of one partition, of keys that have no document in common,
            where ``merge`` does not.
        value: The metric's value in its written form, given the expression for a state that is not missing.
        empty: The state where nothing matched.
        matched: Whether anything matched, given the expression for the state.
        problem: What makes a row unfit to be written, as an expression that gives a sentence or null.
        level: The grouping by key and value that it needs below the one by key; empty where it needs none and
            shares the one scan of its source.
        doubles: The paths in a state whose doubles depend on the order of a scan; the state itself is an
            empty path.
    """

    over: Callable[[Leaf, Any], Accumulators]
    state: Callable[[Leaf], Any] = _as_grouped
    merge: Merge | None = None
    merged: Callable[[Leaf], Any] = _as_grouped
    across: Merge | None = None
    value: Callable[[Leaf, Any], Any] = _as_stored
    empty: Any = None
    matched: Callable[[Any], Any] = there
    problem: Callable[[Leaf], Any] | None = None
    level: str = ""
    doubles: tuple[str, ...] = ()

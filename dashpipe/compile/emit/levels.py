"""What happens between the group by key and value and the one by key, for each level that leaves need.

The documents there are ``{_id: {g: key, v: value}, …}``, one for each value of a key that is not null.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dashpipe import expr
from dashpipe.compile import leaves as table
from dashpipe.compile.emit.columns import computed
from dashpipe.compile.emit.stages import Stage, Stages
from dashpipe.compile.leaves import ranks
from dashpipe.compile.leaves.kind import Accumulators
from dashpipe.compile.plan import Having, Leaf

Level = Callable[[tuple[Leaf, ...], Any], "tuple[Accumulators, Stages]"]


def of(level: str, leaves: tuple[Leaf, ...], moment: Any) -> tuple[Accumulators, Stages]:
    """The accumulators of the group by key and value, and the stages behind it.

    Args:
        level: The level.
        leaves: Its leaves, over one and the same value.
        moment: The expression for a document's instant.
    """
    return _LEVELS[level](leaves, moment)


def kept(level: str, leaves: tuple[Leaf, ...], moment: Any) -> tuple[Accumulators, Stage]:
    """The accumulators of the group by key and value, and what is to be kept of each, for ``again``.

    Args:
        level: The level.
        leaves: Its leaves, over one and the same value.
        moment: The expression for a document's instant.
    """
    having = leaves[0].options.having
    if having is not None:
        return table.collected(having.leaves, moment)
    each, _ = of(level, leaves, moment)
    return each, {name: f"${name}" for name in each}


def again(level: str, leaves: tuple[Leaf, ...]) -> tuple[Accumulators, Stages]:
    """As ``of``, where what is grouped by key and value is not documents but what was kept, below ``s``."""
    having = leaves[0].options.having
    if having is not None:
        fields, states = table.merged(having.leaves, lambda one: f"$s.{one.id}")
        return fields, [{"$project": states}, *judged(having)]
    each, between = of(level, leaves, None)
    return {name: {"$sum": f"$s.{name}"} for name in each}, between


def _values(leaves: tuple[Leaf, ...], _moment: Any) -> tuple[Accumulators, Stages]:
    """How many documents have a value up to each, and any; only where a rank is asked for."""
    if all(leaf.kind == "distinct" for leaf in leaves):
        return {}, []
    # A running count over the values, not an array of them: no document grows with the data.
    running = {"$sum": "$c", "window": {"documents": ["unbounded", "current"]}}
    whole = {"$sum": "$c", "window": {"documents": ["unbounded", "unbounded"]}}
    output = {"r": running, "n": whole}
    window = {"partitionBy": "$_id.g", "sortBy": {"_id.v": 1}, "output": output}
    return {"c": {"$sum": 1}}, [{"$setWindowFields": window}]


def _top(leaves: tuple[Leaf, ...], _moment: Any) -> tuple[Accumulators, Stages]:
    """The first values by how often they occur, or by a sum; values that tie come in their own order."""
    (leaf,) = leaves
    by = leaf.options.by
    order = {"n": -1, "_id.v": 1}
    ranked = {"partitionBy": "$_id.g", "sortBy": order, "output": {"r": {"$documentNumber": {}}}}
    kept = {"$match": {"r": {"$lte": leaf.options.k}}}
    each = {"n": {"$sum": 1 if by is None else expr.to_agg(by)}}
    return each, [{"$setWindowFields": ranked}, kept, {"$sort": {"r": 1}}]


def _having(leaves: tuple[Leaf, ...], moment: Any) -> tuple[Accumulators, Stages]:
    """The values whose own metrics satisfy a condition."""
    (leaf,) = leaves
    having = leaf.options.having
    assert having is not None
    fields, states = table.collected(having.leaves, moment)
    return fields, [{"$project": states}, *judged(having)]


def judged(having: Having) -> Stages:
    """The stages that keep those documents, with the states of leaves, that satisfy a condition."""
    places = {one.name: f"c{at}" for at, one in enumerate(having.columns)}
    columns = computed(having.columns, {leaf.id: leaf for leaf in having.leaves}, places)
    metrics = {name: f"${places[column]}" for name, column in having.refs}
    return [*columns, {"$match": {"$expr": expr.to_agg(having.test, metrics)}}]


_LEVELS: dict[str, Level] = {ranks.VALUES: _values, ranks.TOP: _top, ranks.HAVING: _having}

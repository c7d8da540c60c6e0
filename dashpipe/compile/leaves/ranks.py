"""Kinds over the different values of a key, each with how often it occurs; their states do not merge.

The levels are the groupings by key and value that they need: ``emit.levels`` makes them.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from dashpipe.compile.leaves import conditional
from dashpipe.compile.leaves.kind import Kind, positive
from dashpipe.compile.written import written
from dashpipe.expr import FieldType

if TYPE_CHECKING:
    from dashpipe.compile.leaves.kind import Accumulators
    from dashpipe.compile.plan import Leaf

#: The values as such, in order, where a rank is asked for: ``r`` documents up to each, of ``n``.
VALUES = "values"

#: The values by how often they occur, or by a sum.
TOP = "top"

#: The values whose own metrics satisfy a condition.
HAVING = "having"


def by_pairs(leaf: Leaf) -> bool:
    """Whether a leaf is made of the different values of a key, so that those of several keys make up another.

    What is asked of the documents of each value must merge, too.
    """
    if leaf.kind in ("distinct", "discrete", "continuous", "top"):
        return True
    having = leaf.options.having
    return having is not None and all(one.merges for one in having.leaves)


def _different(leaf: Leaf, _moment: Any) -> Accumulators:
    return {leaf.id: {"$sum": 1}}


def _discrete(leaf: Leaf, _moment: Any) -> Accumulators:
    # The value of rank ceil(p·n) is the first with r >= p·n: r·10^d >= (p·10^d)·n, all of it whole numbers.
    share, of = leaf.options.p
    reached = {"$gte": [{"$multiply": ["$r", of]}, {"$multiply": ["$n", share]}]}
    return {leaf.id: {"$min": {"$cond": [reached, "$_id.v", None]}}}


def _continuous(leaf: Leaf, _moment: Any) -> Accumulators:
    # p·(n-1) = q + a fraction: between the values of ranks q+1 (the first with r > q) and q+2.
    share, of = leaf.options.p
    place = {"$multiply": [{"$subtract": ["$n", 1]}, share]}
    up_to = {"$multiply": ["$r", of]}
    return {
        f"{leaf.id}_lo": {"$min": {"$cond": [{"$gt": [up_to, place]}, "$_id.v", None]}},
        f"{leaf.id}_hi": {"$min": {"$cond": [{"$gt": [up_to, {"$add": [place, of]}]}, "$_id.v", None]}},
        f"{leaf.id}_n": {"$max": "$n"},
    }


def _between(leaf: Leaf) -> Any:
    return {one: f"${leaf.id}_{one}" for one in ("lo", "hi", "n")}


def _interpolated(leaf: Leaf, state: Any) -> Any:
    share, of = leaf.options.p
    beyond = {"$mod": [{"$multiply": [{"$subtract": ["$$s.n", 1]}, share]}, of]}
    if leaf.type is FieldType.DECIMAL:
        # The fraction has few digits: as a product it is exact, where a quotient might not be.
        part: Any = {"$multiply": [{"$toDecimal": "$$beyond"}, Decimal(1) / of]}
        inside: Any = {"$add": ["$$s.lo", {"$multiply": [{"$subtract": ["$$s.hi", "$$s.lo"]}, part]}]}
    else:
        part = {"$divide": ["$$beyond", of]}
        # Not the difference of the two, which may be no finite double.
        low = {"$multiply": [{"$toDouble": "$$s.lo"}, {"$subtract": [1, part]}]}
        inside = {"$add": [low, {"$multiply": [{"$toDouble": "$$s.hi"}, part]}]}
    # Equal values, or a whole place: the value itself, to the last digit.
    alone = {"$or": [{"$eq": ["$$beyond", 0]}, {"$eq": ["$$s.lo", "$$s.hi"]}]}
    made = {"$cond": [alone, written("$$s.lo", leaf.type), written(inside, leaf.type)]}
    found = {"$let": {"vars": {"beyond": beyond}, "in": made}}
    return {"$let": {"vars": {"s": state}, "in": {"$cond": [{"$gt": ["$$s.n", 0]}, found, None]}}}


def _some(state: Any) -> Any:
    return {"$let": {"vars": {"s": {"$ifNull": [state, None]}}, "in": {"$gt": ["$$s.n", 0]}}}


def _approximate(leaf: Leaf, _moment: Any) -> Accumulators:
    share, of = leaf.options.p
    given = {"input": conditional.value(leaf), "p": [share / of], "method": "approximate"}
    return {leaf.id: {"$percentile": given}}


def _listed(leaf: Leaf, _moment: Any) -> Accumulators:
    return {leaf.id: {"$push": {"value": "$_id.v", "n": "$n"}}}


def _list(leaf: Leaf, state: Any) -> Any:
    value_type, n_type = leaf.options.listed
    one = {"value": written("$$one.value", value_type), "n": _long(n_type)}
    return {"$map": {"input": state, "as": "one", "in": one}}


def _long(type_: FieldType) -> Any:
    if type_ is FieldType.INTEGER:
        return {"$convert": {"input": "$$one.n", "to": "long", "onError": None}}  # its problem says so
    return written("$$one.n", type_)


def _too_wide(leaf: Leaf) -> Any:
    if leaf.options.by is None or leaf.options.listed[1] is not FieldType.INTEGER:
        return None
    kinds = {"$map": {"input": {"$ifNull": [f"${leaf.id}", []]}, "as": "one", "in": {"$type": "$$one.n"}}}
    return {"$cond": [{"$in": ["double", kinds]}, f"{leaf.label}: the sum exceeds 64 bits", None]}


def _set(leaf: Leaf, _moment: Any) -> Accumulators:
    return {leaf.id: {"$addToSet": conditional.value(leaf)}}


def _size(leaf: Leaf) -> Any:
    return {"$size": {"$setDifference": [f"${leaf.id}", [None]]}}


def _too_many(leaf: Leaf) -> Any:
    most = leaf.options.at_most
    if not most:
        return None
    found = {"$toString": f"${leaf.id}"}
    said = {"$concat": [f"{leaf.label}: there are ", found, f" values, and `cardinality_at_most` is {most}"]}
    return {"$cond": [{"$gt": [f"${leaf.id}", most]}, said, None]}


DISTINCT = Kind(over=_different, empty=0, matched=positive, problem=_too_many, level=VALUES)
HELD = Kind(over=_different, empty=0, matched=positive, level=HAVING)
SET = Kind(over=_set, state=_size, empty=0, matched=positive, problem=_too_many)
DISCRETE = Kind(over=_discrete, level=VALUES)
CONTINUOUS = Kind(
    over=_continuous, state=_between, value=_interpolated, matched=_some, level=VALUES
)  # fmt: skip
APPROXIMATE = Kind(over=_approximate, state=lambda leaf: {"$first": f"${leaf.id}"})
TOPMOST = Kind(
    over=_listed,
    value=_list,
    empty=[],
    matched=lambda state: {"$gt": [state, []]},
    problem=_too_wide,
    level=TOP,
)

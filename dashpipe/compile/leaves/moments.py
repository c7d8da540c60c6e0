"""Variance and standard deviation: count, mean and the sum of squared deviations from the mean (M2).

The server's own running form gives the three over documents without ever subtracting two large sums. States
merge by the means' distances from the common mean (Chan, Golub and LeVeque), which keeps what naive sums of
squares lose: the variance of values that are far from zero and near each other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dashpipe.compile.leaves import conditional
from dashpipe.compile.leaves.kind import Kind

if TYPE_CHECKING:
    from dashpipe.compile.leaves.kind import Accumulators
    from dashpipe.compile.plan import Leaf


def _over(leaf: Leaf, _moment: Any) -> Accumulators:
    value = conditional.value(leaf)
    return {
        f"{leaf.id}_n": {"$sum": conditional.counted(leaf)},
        f"{leaf.id}_mean": {"$avg": value},
        f"{leaf.id}_sd": {"$stdDevPop": value},
        f"{leaf.id}_lo": {"$min": value},
        f"{leaf.id}_hi": {"$max": value},
    }


def _state(leaf: Leaf) -> Any:
    n, mean, deviation, low, high = (f"${leaf.id}_{one}" for one in ("n", "mean", "sd", "lo", "hi"))
    squares = {"$multiply": [n, deviation, deviation]}
    # Of one and the same value the mean is that value and nothing deviates, to the last digit: a mean that
    # was rounded would leave 1e-17, by which somebody divides.
    alike = {"$eq": [low, high]}
    made = {
        "n": {"$toLong": n},
        "mean": {"$toDouble": {"$cond": [alike, low, mean]}},
        "m2": {"$cond": [alike, 0.0, {"$toDouble": squares}]},
    }
    return {"$cond": [{"$gt": [n, 0]}, made, None]}


def _merge(leaf: Leaf, state: Any) -> Accumulators:
    return {leaf.id: {"$push": state}}


def _merged(leaf: Leaf) -> Any:
    def each(value: Any) -> Any:
        # Not `$$all.n`: engines in use find nothing on a path through an array.
        return {"$sum": {"$map": {"input": "$$all", "as": "one", "in": value}}}

    all_ = {"$filter": {"input": f"${leaf.id}", "as": "one", "cond": {"$gt": ["$$one", None]}}}
    distance = {"$subtract": ["$$one.mean", "$$first.mean"]}
    # The mean as a distance from one of the means: the distances are small where the means are large.
    shift = {"$divide": [each({"$multiply": ["$$one.n", distance]}), "$$n"]}
    off = {"$subtract": [distance, "$$shift"]}
    squares = each({"$add": ["$$one.m2", {"$multiply": ["$$one.n", off, off]}]})
    mean = {"$add": ["$$first.mean", "$$shift"]}
    made = {"n": {"$toLong": "$$n"}, "mean": mean, "m2": {"$toDouble": squares}}
    whole = _let({"first": {"$first": "$$all"}, "n": each("$$one.n")}, _let({"shift": shift}, made))
    return _let({"all": all_}, {"$cond": [{"$eq": ["$$all", []]}, None, whole]})


def spread(state: Any, *, population: bool, root: bool) -> Any:
    """The variance or its root from a state; null where there are too few values."""
    n: Any = "$$s.n" if population else {"$subtract": ["$$s.n", 1]}
    value: Any = {"$divide": ["$$s.m2", n]}
    if root:
        value = {"$sqrt": value}
    enough = {"$gt": ["$$s.n", 0 if population else 1]}
    return _let({"s": {"$ifNull": [state, None]}}, {"$cond": [enough, {"$toDouble": value}, None]})


def _let(names: dict[str, Any], inside: Any) -> Any:
    return {"$let": {"vars": names, "in": inside}}


MOMENTS = Kind(
    over=_over, state=_state, merge=_merge, merged=_merged, value=lambda _, state: state,
    doubles=("mean", "m2"),
)  # fmt: skip

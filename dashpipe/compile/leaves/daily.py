"""The average, least or greatest of the values of days, as ``emit.daily`` makes it of a metric's values.

The state is ``{v: that value, m: whether anything matched on any day, x: what makes it unfit, or null}``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dashpipe.compile.leaves.kind import Kind
from dashpipe.compile.written import written

if TYPE_CHECKING:
    from dashpipe.compile.leaves.kind import Accumulators
    from dashpipe.compile.plan import Leaf


def _over(leaf: Leaf, _moment: Any) -> Accumulators:
    """Over one document a day, whose value is ``v``."""
    daily = leaf.options.daily
    assert daily is not None
    return {f"{leaf.id}_v": {f"${daily.how}": "$v"}}


def _value(leaf: Leaf, state: Any) -> Any:
    return {"$let": {"vars": {"state": state}, "in": written("$$state.v", leaf.type)}}


DAILY = Kind(
    over=_over,
    value=_value,
    matched=lambda state: {"$eq": [f"{state}.m", 1]},
    problem=lambda leaf: {"$ifNull": [f"${leaf.id}.x", None]},
)

"""The first and the last value by the documents' instants: the least and the greatest (instant, id, value).

Documents compare field by field, so that one accumulator finds the value, over documents and over states.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dashpipe.compile.leaves import conditional
from dashpipe.compile.leaves.kind import Kind
from dashpipe.compile.written import written

if TYPE_CHECKING:
    from dashpipe.compile.leaves.kind import Accumulators
    from dashpipe.compile.plan import Leaf


def _kind(name: str) -> Kind:
    def over(leaf: Leaf, moment: Any) -> Accumulators:
        seen = {"t": moment, "id": "$_id", "v": conditional.bare(leaf)}
        return {leaf.id: {name: conditional.where_there(leaf, seen)}}

    def merge(leaf: Leaf, state: Any) -> Accumulators:
        return {leaf.id: {name: state}}

    return Kind(over=over, merge=merge, value=_value)


def _value(leaf: Leaf, state: Any) -> Any:
    found = {"$let": {"vars": {"s": state}, "in": "$$s.v"}}
    return written(found, leaf.type)


FIRST = _kind("$min")
LAST = _kind("$max")

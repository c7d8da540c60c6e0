"""Which distinct counts can be merged: of those the values themselves are kept, not only how many there were.

Who came on two days is one person of the week: a week is counted from the values of its days, each once.
"""

from __future__ import annotations

from dashpipe.compile.leaves import kind_of
from dashpipe.compile.plan import Leaf, Plan, SourcePlan
from dashpipe.spec.kept import TEXTUAL

#: The kinds that count values.
_COUNTS = ("distinct", "having")


def keepable(plan: Plan, source: SourcePlan) -> frozenset[str]:
    """The ids of the leaves whose values the finest grain can keep, if the spec says `incremental`."""
    if not source.source.incremental or source.unique or not plan.grains:
        return frozenset()
    return frozenset(leaf.id for leaf in source.own_at(plan.grains[0]) if _fits(leaf))


def _fits(leaf: Leaf) -> bool:
    if leaf.kind not in _COUNTS or leaf.expr is None or leaf.expr.type not in TEXTUAL:
        return False
    having = leaf.options.having
    return having is None or all(kind_of(one).merge is not None for one in having.leaves)

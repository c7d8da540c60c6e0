"""Which distinct counts can be merged: of those the values themselves are kept, not only how many there were.

Who came on two days is one person of the week: a week is counted from the values of its days, each once. So
is what reaches back over days, and a whole that is coarser than the row.
"""

from __future__ import annotations

from dashpipe.compile.leaves import kind_of
from dashpipe.compile.plan import Leaf, SourcePlan
from dashpipe.spec.kept import TEXTUAL
from dashpipe.spec.model import Source

#: The kinds that count values.
_COUNTS = ("distinct", "having")


def keepable(source: SourcePlan) -> frozenset[str]:
    """The ids of the leaves whose values the finest grain can keep, if the spec says `incremental`."""
    return frozenset(leaf.id for leaf in source.leaves if leaf.frame.plain and fits(source.source, leaf))


def fits(source: Source, leaf: Leaf) -> bool:
    """Whether the values that a leaf counts can be kept, wherever its documents lie."""
    if not source.incremental or source.unique:
        return False
    if leaf.kind not in _COUNTS or leaf.expr is None or leaf.expr.type not in TEXTUAL:
        return False
    having = leaf.options.having
    return having is None or all(kind_of(one).merge is not None for one in having.leaves)

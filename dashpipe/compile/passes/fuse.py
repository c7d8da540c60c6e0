"""All leaves of one source and frame are computed in one scan; their filters become conditional accumulators.

What looks at the different values of a key (distinct counts, percentiles, top lists) keeps a scan of its
own: it groups by the value first, and its exact memory is bounded by the server's spilling, which a set or a
list in an accumulator is not. Distinct counts and percentiles of one value under one filter share one.
"""

from __future__ import annotations

from dataclasses import replace

from dashpipe import expr
from dashpipe.compile import canonical
from dashpipe.compile.frame import Frame
from dashpipe.compile.leaves import ranks
from dashpipe.compile.plan import Aggregate, Leaf, Note, Plan, SourcePlan


def _fused(source: SourcePlan) -> SourcePlan:
    # Documents and elements are counted in scans of their own, and so are frames.
    together: dict[tuple[Frame, str], dict[str, Leaf]] = {}
    apart: dict[str, Aggregate] = {}
    for one in source.aggregates:
        if one.level:
            first = apart.setdefault(_grouping(one), one)
            both = {leaf.id: leaf for leaf in (*first.leaves, *one.leaves)}
            apart[_grouping(one)] = replace(first, leaves=tuple(both.values()))
            continue
        leaves = together.setdefault((one.frame, one.unit), {})
        for leaf in one.leaves:
            leaves.setdefault(leaf.id, leaf)
    filters = () if source.where is None else (source.where,)
    fused = (Aggregate(source.name, tuple(leaves.values()), filters) for leaves in together.values())
    return replace(source, aggregates=(*fused, *apart.values()))


def _grouping(one: Aggregate) -> str:
    """What aggregates by value have in common where one grouping serves both."""
    if one.level != ranks.VALUES:
        return one.leaves[0].id
    value = one.leaves[0].expr
    assert value is not None
    filters = [expr.to_condition(each) for each in one.filters]
    return canonical.digest([expr.to_agg(value), filters, one.frame.meaning, one.unit])


def run(plan: Plan) -> tuple[Plan, Note]:
    """Fuse the aggregates of each source."""
    sources = tuple(_fused(one) for one in plan.sources)
    before = sum(len(one.aggregates) for one in plan.sources)
    after = sum(len(one.aggregates) for one in sources)
    by_value = sum(1 for source in sources for one in source.aggregates if one.level)
    text = f"{before} scans became {after}"
    if by_value:
        text += f", of which {by_value} by value first (distinct counts, percentiles, lists)"
    return replace(plan, sources=sources), Note("fuse", after < before, text)

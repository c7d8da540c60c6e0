"""All leaves of one source are computed in one scan; filters that differ become conditional accumulators.

A distinct count keeps a scan of its own: it groups by the value first, and its exact memory is bounded by the
server's spilling, which a set in an accumulator is not.
"""

from __future__ import annotations

from dataclasses import replace

from dashpipe.compile.plan import Aggregate, Leaf, Note, Plan, SourcePlan


def _fused(source: SourcePlan) -> SourcePlan:
    leaves: dict[str, Leaf] = {}
    apart: list[Aggregate] = []
    for one in source.aggregates:
        if one.level:
            apart.append(one)
            continue
        for leaf in one.leaves:
            leaves.setdefault(leaf.id, leaf)
    filters = () if source.where is None else (source.where,)
    return replace(source, aggregates=(Aggregate(source.name, tuple(leaves.values()), filters), *apart))


def run(plan: Plan) -> tuple[Plan, Note]:
    """Fuse the aggregates of each source."""
    sources = tuple(_fused(one) for one in plan.sources)
    before = sum(len(one.aggregates) for one in plan.sources)
    after = sum(len(one.aggregates) for one in sources)
    distinct = sum(1 for source in sources for one in source.aggregates if one.level)
    text = f"{before} scans became {after}"
    if distinct:
        text += f", {distinct} of them for distinct counts, which group by the value first"
    return replace(plan, sources=sources), Note("fuse", after < before, text)

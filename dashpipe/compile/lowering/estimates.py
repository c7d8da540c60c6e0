"""Percentiles that may be estimated, computed exactly: where the server has no ``$percentile``."""

from __future__ import annotations

from dataclasses import replace

from dashpipe.compile.passes import push
from dashpipe.compile.plan import Aggregate, Leaf, Plan, SourcePlan

_FROM, _TO = "approximate", "discrete"


def exact(plan: Plan) -> Plan:
    """The plan with every estimate as the value of its rank, each in a scan of its own by value."""
    sources = tuple(_exact(one) for one in plan.sources)
    if sources == plan.sources:
        return plan
    columns = tuple(
        replace(one, matched=tuple((id_, _TO if kind == _FROM else kind) for id_, kind in one.matched))
        for one in plan.columns
    )
    return replace(plan, sources=sources, columns=columns)


def _exact(source: SourcePlan) -> SourcePlan:
    aggregates: list[Aggregate] = []
    for one in source.aggregates:
        others = tuple(leaf for leaf in one.leaves if leaf.kind != _FROM)
        if others:
            aggregates.append(replace(one, leaves=others))
        for leaf in one.leaves:
            if leaf.kind == _FROM:
                filters = tuple(test for test in (source.where, leaf.where) if test is not None)
                aggregates.append(push.pushed(Aggregate(source.name, (_leaf(leaf),), filters)))
    leaves = tuple(_leaf(leaf) for leaf in source.leaves)
    return replace(source, aggregates=tuple(aggregates), leaves=leaves)


def _leaf(leaf: Leaf) -> Leaf:
    return replace(leaf, kind=_TO) if leaf.kind == _FROM else leaf

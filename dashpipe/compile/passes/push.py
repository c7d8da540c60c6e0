"""Filters move into query form, where indexes serve them; what cannot be said there stays an expression."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from dashpipe import expr
from dashpipe.compile.plan import Aggregate, Note, Plan
from dashpipe.expr import Typed


def pushed(one: Aggregate) -> Aggregate:
    """An aggregate whose filters are in query form where they can be."""
    queries: list[dict[str, Any]] = []
    rest: list[Typed] = []
    for condition in one.filters:
        found = expr.to_query(condition)
        if found.query:
            queries.append(found.query)
        if found.residual is not None:
            rest.append(found.residual)
    if not queries:
        return one
    query = queries[0] if len(queries) == 1 else {"$and": queries}
    return replace(one, query=query, filters=tuple(rest))


def run(plan: Plan) -> tuple[Plan, Note]:
    """Push the filters of every aggregate."""
    sources = tuple(
        replace(source, aggregates=tuple(pushed(one) for one in source.aggregates)) for source in plan.sources
    )
    before = sum(len(one.filters) for source in plan.sources for one in source.aggregates)
    left = sum(len(one.filters) for source in sources for one in source.aggregates)
    moved = sum(1 for source in sources for one in source.aggregates if one.query is not None)
    if not before:
        return plan, Note("push", False, "no scan has a filter")
    text = f"scans that filter in query form: {moved}; filters that stay expressions: {left}"
    return replace(plan, sources=sources), Note("push", bool(moved), text)

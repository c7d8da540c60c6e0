"""Metrics that need the same leaf share it: equal identity, whatever the metrics are called."""

from __future__ import annotations

from dataclasses import replace

from dashpipe.compile.plan import Aggregate, Note, Plan


def run(plan: Plan) -> tuple[Plan, Note]:
    """Keep one aggregate of those that compute the same leaves from the same documents."""
    dropped = 0
    sources = []
    for source in plan.sources:
        kept: dict[tuple[str, ...], Aggregate] = {}
        for one in source.aggregates:
            kept.setdefault(tuple(leaf.id for leaf in one.leaves), one)
        dropped += len(source.aggregates) - len(kept)
        sources.append(replace(source, aggregates=tuple(kept.values())))
    text = f"leaves asked for more than once: {dropped}" if dropped else "every leaf is asked for once"
    return replace(plan, sources=tuple(sources)), Note("share", bool(dropped), text)

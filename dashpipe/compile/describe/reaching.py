"""The pipelines over more than a partition's own documents: events, what is kept, running states."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta

from dashpipe.compile import emit, periods
from dashpipe.compile.describe.names import place, target_of
from dashpipe.compile.plan import Plan, SourcePlan
from dashpipe.spec.model import Grain

#: What a pipeline does, the collection that it runs on, and its stages.
Pipeline = tuple[str, str, emit.Stages]


def reaching(
    plan: Plan, grain: Grain, source: SourcePlan, labels: tuple[str, ...], places: emit.Places
) -> Iterator[Pipeline]:
    """The pipelines of a source of more than a partition's own documents and key, or of single events.

    Args:
        plan: The plan.
        grain: The grain of the rows.
        source: The source.
        labels: The partitions.
        places: The collections that hold parts, by what these are of.
    """
    name, where = source.name, place(source.source.collection)
    merging = plan.merging(name, grain)
    further = f"{grain.value}: what {name} reaches back to"
    yield from _conversions(plan, grain, name, labels, places)
    for of, stages in emit.scans(plan, grain, name, labels, merging=merging is not None, counted=True):
        yield further, where, [*stages, *emit.merge(emit.Ref("target", places[of]))]
    if merging is None:
        yield from _conversions(plan, grain, name, labels, places, beside=True)
    yield from _followed(plan, grain, source, labels)
    for told, of, stages in _over_values(plan, grain, name, labels):
        yield told, "staging_values", [*stages, *emit.merge(emit.Ref("target", places[of]))]
    for leaf in emit.retained(plan, grain, name):
        into = emit.merge(emit.Ref("target", places[None]))
        yield f"{grain.value}: cohorts of {name}", where, [*emit.cohorts(plan, grain, leaf, labels), *into]
    if merging is not None:
        ours = "staging_parts" if merging.atom is grain else f"staging_{merging.atom.value}"
        target = target_of(plan, merging.atom)
        for of, stages in emit.over_states(plan, grain, name, labels, (), target):
            yield further, ours, [*stages, *emit.merge(emit.Ref("target", places[of]))]
        yield from _running(plan, grain, name, labels, ours)


def _conversions(
    plan: Plan,
    grain: Grain,
    source: str,
    labels: tuple[str, ...],
    into: emit.Places,
    *,
    beside: bool = False,
) -> list[Pipeline]:
    """The pipelines that bring events together, and those that count conversions of them."""
    found: list[Pipeline] = []
    for journey, leaves in emit.journeys(plan, grain, source, beside=beside):
        gathered = emit.merge(emit.Ref("target", "staging_events"))
        for name, stages in emit.events(plan, journey, leaves, grain, labels):
            from_ = place(plan.source(name).source.collection)
            found.append((f"{grain.value}: events of {name}", from_, [*stages, *gathered]))
        for of, stages in emit.attributed(plan, journey, leaves, grain, labels):
            follow = [*stages, *emit.merge(emit.Ref("target", into[of]))]
            found.append((f"{grain.value}: conversions", "staging_events", follow))
    return found


def _followed(plan: Plan, grain: Grain, source: SourcePlan, labels: tuple[str, ...]) -> list[Pipeline]:
    """What goes on from what is kept, which here takes all days before the partitions."""
    before = (periods.day_of(labels[0]) - timedelta(days=1)).isoformat()
    kept = emit.Standing(f"{target_of(plan, plan.grains[0])}__state", 1, before)
    where, into = place(source.source.collection), emit.Ref("target", "staging_parts")
    found: list[Pipeline] = []
    for leaf in emit.followed(plan, grain, source.name):
        about = f"{grain.value}: {leaf.label}, over what is kept"
        newer = emit.newer(plan, grain, leaf, labels, kept, None)
        if newer:
            over = emit.carried_on(plan, grain, leaf, labels, kept, None, into)
            found.append((about, where, [*newer, *emit.merge(emit.Ref("target", "staging_newer"))]))
            found.append((about, "staging_newer", over))
    return found


def _over_values(
    plan: Plan, grain: Grain, source: str, labels: tuple[str, ...]
) -> Iterator[tuple[str, emit.Beside | None, emit.Stages]]:
    """What is counted from kept values beside the rows' own partitions and keys; all of it is stored here."""
    stored = f"{target_of(plan, plan.grains[0])}__values"
    for of, stages in emit.over_values(plan, grain, source, labels, (), stored):
        yield f"{grain.value}: what {source} reaches back to, of kept values", of, stages
    for whole, stages in emit.over_wholes(plan, grain, source, labels, (), stored):
        yield f"{grain.value}: kept values of {', '.join(whole) or 'all rows'}", whole, stages


def _running(plan: Plan, grain: Grain, source: str, labels: tuple[str, ...], ours: str) -> list[Pipeline]:
    """Totals over a running state, which here takes all days before the partitions; and the next one."""
    how = plan.merging(source, grain)
    one = None if how is None or not plan.runs_on(source, grain) else plan.running_of(source, how.atom)
    if one is None:
        return []
    before = (periods.day_of(labels[0]) - timedelta(days=1)).isoformat()
    kept = emit.Standing(f"{target_of(plan, plan.grains[0])}__state", 1, before)
    target, into = target_of(plan, one.atom), emit.Ref("target", "staging_parts")
    found = emit.over_states(plan, grain, source, labels, (), target, standing=kept)
    about = f"{grain.value}: what {source} reaches back to, over a running state"
    made = [
        (about, ours, [*stages, *emit.merge(into)])
        for _, stages in found
        if kept.collection in json.dumps(stages, default=str)
    ]
    if grain is not one.atom:
        return made
    ahead = emit.advanced(plan, one, kept, labels[0][:10], 2, emit.Ref("target", "staging_state"))
    return [*made, (f"{grain.value}: the next running state of {source}", target, ahead)]

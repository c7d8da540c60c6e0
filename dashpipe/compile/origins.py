"""Where the states of each grain come from: documents, or the stored states of a finer grain; in words."""

from __future__ import annotations

from collections.abc import Iterator

from dashpipe.compile import emit
from dashpipe.compile.passes import reach, rollup
from dashpipe.compile.plan import Plan, SourcePlan
from dashpipe.spec.model import COHORTS, Grain

_ELSE = "where all of them are published with the same leaves; else from the source, in one scan"


def origin_lines(plan: Plan) -> Iterator[str]:
    """A line for each grain and source, and one for what its leaves reach back to."""
    off = any(one.step == "rollup" and one.text == "switched off" for one in plan.notes)
    reasons = rollup.reasons(plan)
    for grain in plan.grains:
        for source in plan.sources:
            about = f"{grain.value} of {source.name}"
            rolled = plan.rollup(source.name, grain)
            if rolled is not None:
                finer = " or ".join(one.value for one in rolled.finer)
                yield f"{about}: from the states of {finer}, {_ELSE}"
            elif (source.name, grain) in reasons:
                why = "the pass rollup is switched off" if off else reasons[source.name, grain]
                yield f"{about}: from the source ({why.removeprefix(f'{about} is read from the source: ')})"
            else:
                yield f"{about}: from the source (no finer grain nests in it)"
            yield from _reach(plan, source, grain, off=off)
            yield from _shared(plan, source, grain)
            for leaf in emit.followed(plan, grain, source.name):
                newer = "the documents of its periods" if leaf.kind in COHORTS else "what is newer"
                yield f"{about}, {leaf.label}: from what is kept, where it holds, and {newer}"


def _reach(plan: Plan, source: SourcePlan, grain: Grain, *, off: bool) -> Iterator[str]:
    about = f"{grain.value} of {source.name}, what it reaches back to"
    found = reach.reached(plan, source, grain)
    if found is None:
        return
    if off or found.rule is None:
        why = "the pass rollup is switched off" if off else found.text
        yield f"{about}: from the source ({why})"
        return
    yield f"{about}: from {found.text}, {_ELSE}"
    if plan.runs_on(source.name, grain):
        yield f"{about}, of all time: from the running state, where it holds, and the states after it"


def _shared(plan: Plan, source: SourcePlan, grain: Grain) -> Iterator[str]:
    leaves = plan.shared_of(source.name, grain)
    if leaves:
        about = f"{grain.value} of {source.name}, {', '.join(leaf.label for leaf in leaves)}"
        yield f"{about}: from the kept values that its rows are counted from"

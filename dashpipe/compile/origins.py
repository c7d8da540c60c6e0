"""Where the states of each grain come from: documents, or the stored states of a finer grain; in words."""

from __future__ import annotations

from collections.abc import Iterator

from dashpipe.compile.passes import rollup
from dashpipe.compile.plan import Plan, SourcePlan
from dashpipe.spec.model import Grain

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


def _reach(plan: Plan, source: SourcePlan, grain: Grain, *, off: bool) -> Iterator[str]:
    about = f"{grain.value} of {source.name}, what it reaches back to"
    merging = plan.merging(source.name, grain)
    if merging is not None:
        yield f"{about}: from the states of {merging.atom.value}, {_ELSE}"
        if plan.runs_on(source.name, grain):
            yield f"{about}, of all time: from the running state, where it holds, and the states after it"
    elif any(leaf.frame.reaches for leaf in source.framed_at(grain)):
        if off:
            why = "the pass rollup is switched off"
        elif source.unique:
            why = "only the newest documents of each day count"
        else:
            stuck = (leaf for leaf in source.framed_at(grain) if leaf.frame.reaches and not leaf.merges)
            told = next((f"{leaf.label} does not merge" for leaf in stuck), None)
            why = told or "its days or hours are no grain of the subject"
        yield f"{about}: from the source ({why})"

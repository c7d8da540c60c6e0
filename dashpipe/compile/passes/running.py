"""What of all time goes on from a kept running state, so that a run does not merge all days again.

What reaches back over all time (totals, and values that are carried always) and is merged from the states
of days is, up to a day that no run of late has changed, the same in every run. It is kept merged, a key.
Balances that are carried always do not merge: of them the last value of each of their keys is kept. Nor do
cohorts: of them each entity's first day is kept. Whether what is kept still holds is seen when a run starts;
without it the states of all days are merged, or all documents are read.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from dashpipe.compile.plan import Leaf, Note, Plan, Running
from dashpipe.spec.model import Grain


def run(plan: Plan) -> tuple[Plan, Note]:
    """Find what a plan keeps running."""
    found = tuple(_running(plan))
    told = [
        f"{', '.join(leaf.label for leaf in one.leaves)} of {one.source} by {one.atom.value}" for one in found
    ]
    text = f"kept up to a day, and merged from there: {'; '.join(told)}" if told else "nothing is of all time"
    if plan.subject.hidden_keys and any(leaf.frame.runs_on for one in plan.sources for leaf in one.leaves):
        text = "what is of all time is read from the source: rows are grouped by what a run looks up anew"
    return replace(plan, running=found), Note("running", bool(found), text)


def _running(plan: Plan) -> Iterator[Running]:
    for source in plan.sources:
        bases: dict[Grain, set[str]] = {}
        for how in plan.merged:
            if how.source != source.name:
                continue
            for leaf in source.framed_at(how.grain):
                if leaf.runs_on and leaf.base is not None:
                    bases.setdefault(how.atom, set()).add(leaf.base)
        for atom, ids in bases.items():
            leaves: tuple[Leaf, ...] = tuple(one for one in source.leaves if one.id in ids)
            yield Running(source.name, atom, leaves, atom)
        apart: dict[tuple[str, Grain], list[Leaf]] = {}
        for leaf in source.leaves:
            if leaf.goes_on and not plan.subject.hidden_keys:
                grains = [grain for grain in plan.grains if leaf in source.leaves_at(grain)]
                for atom in dict.fromkeys(leaf.frame.atom(grain) for grain in grains):
                    apart.setdefault((leaf.base or leaf.id, atom), []).append(leaf)
        for (_, atom), some in apart.items():
            yield Running(source.name, atom, tuple(some), plan.grains[0], apart=True)

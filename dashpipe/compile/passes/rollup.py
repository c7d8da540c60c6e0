"""Which grains may be merged from the states of a finer one, and why another may not.

A source's part of a coarser grain is merged from stored states only if every leaf that the grain needs of it
merges; never a sum of distinct counts. Whether the finer partitions are there, with the same leaves, is seen
when a run starts.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from dashpipe.compile import periods
from dashpipe.compile.plan import Merged, Note, Plan, RollUp


def run(plan: Plan) -> tuple[Plan, Note]:
    """Find the roll-ups of a plan."""
    found: list[RollUp] = []
    reasons: list[str] = []
    for source in plan.sources:
        for grain in plan.grains:
            finer = periods.finer(grain, plan.grains)
            if not finer:
                continue
            if source.unique:
                reasons.append(
                    f"{grain.value} of {source.name} is read from the source: the newest document of a key "
                    f"is another one in each {grain.value}"
                )
                continue
            needed = source.own_at(grain)
            stuck = [leaf.label for leaf in needed if not leaf.merges]
            if stuck:
                reasons.append(
                    f"{grain.value} of {source.name} is read from the source: {stuck[0]} does not merge"
                )
                continue
            ids = {leaf.id for leaf in needed}
            able = tuple(one for one in finer if ids <= {leaf.id for leaf in source.leaves_at(one)})
            if not able:
                reasons.append(f"{grain.value} of {source.name} needs a metric that no finer grain has")
                continue
            found.append(RollUp(source.name, grain, able))
            reasons.append(f"{grain.value} of {source.name} may be merged from {able[0].value}")
    text = "; ".join(reasons) or "no grain nests in another"
    merging = tuple(_merging(plan))
    return replace(plan, rollups=tuple(found), merged=merging), Note("rollup", bool(found), text)


def _merging(plan: Plan) -> Iterator[Merged]:
    """The grains of which what leaves reach back to may be merged from the states of days or hours.

    All of them or none, so that no row mixes two truths.
    """
    for source in plan.sources:
        for grain in plan.grains:
            reaching = [leaf for leaf in source.framed_at(grain) if leaf.frame.reaches]
            atoms = {leaf.frame.atom(grain) for leaf in reaching}
            if len(atoms) != 1 or source.unique or not all(leaf.merges for leaf in reaching):
                continue
            (atom,) = atoms
            if atom in plan.grains:
                stored = {leaf.id for leaf in source.own_at(atom)}
                bases = {leaf.base for leaf in reaching if leaf.frame.of is None}
                if bases <= stored:
                    yield Merged(source.name, grain, atom)

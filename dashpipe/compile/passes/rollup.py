"""Which grains may be merged from the states of a finer one, and why another may not.

A source's part of a coarser grain is merged from stored states only if every leaf that the grain needs of it
merges; never a sum of distinct counts. These merge where the values themselves are kept. Whether the finer
partitions are there, with the same leaves, is seen when a run starts.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from dashpipe.compile.kept import keepable
from dashpipe.compile.passes import reach
from dashpipe.compile.plan import Kept, Leaf, Note, Plan, RollUp, SourcePlan
from dashpipe.spec import nesting
from dashpipe.spec.model import Grain


@dataclass(frozen=True, slots=True)
class _Found:
    """What is known of one source and grain: its roll-up, the leaves that it needs kept, and why."""

    text: str
    rule: RollUp | None = None
    kept: tuple[Leaf, ...] = ()


def run(plan: Plan) -> tuple[Plan, Note]:
    """Find the roll-ups of a plan."""
    plan = reach.keeping(plan)
    found = [
        _found(plan, source, grain, keepable(source))
        for source in plan.sources
        for grain in plan.grains
        if nesting.finer(grain, plan.grains)
    ]
    rules = tuple(one.rule for one in found if one.rule is not None)
    told = [one.text for one in found] or ["no grain nests in another"]
    told += _windows(plan)
    changed = replace(plan, rollups=rules, kept=tuple(_kept(plan, found)))
    return changed, Note("rollup", bool(rules or plan.merged), "; ".join(told))


def reasons(plan: Plan) -> dict[tuple[str, Grain], str]:
    """Why a source's part of a coarser grain may be merged from states, or why it is read from the source."""
    return {
        (source.name, grain): _found(plan, source, grain, keepable(source)).text
        for source in plan.sources
        for grain in plan.grains
        if nesting.finer(grain, plan.grains)
    }


def _found(plan: Plan, source: SourcePlan, grain: Grain, able: frozenset[str]) -> _Found:
    """How a source's part of a grain may be merged, or why not."""
    if plan.subject.hidden_keys:
        return _Found(
            f"{grain.value} of {source.name} is read from the source: rows are grouped by what is looked up, "
            "and a run looks it up anew"
        )
    if source.source.snapshot:
        return _Found(
            f"{grain.value} of {source.name} is read from the source: the newest snapshot is that of the "
            f"{grain.value}"
        )
    needed = source.own_at(grain)
    newest = [name for leaf in needed for name in leaf.sources if plan.source(name).unique]
    if newest:
        of = "" if newest[0] == source.name else f" of {newest[0]}"
        return _Found(
            f"{grain.value} of {source.name} is read from the source: the newest document of a key{of} "
            f"is another one in each {grain.value}"
        )
    kept = tuple(leaf for leaf in needed if not leaf.merges)
    stuck = [leaf.label for leaf in kept if leaf.id not in able]
    if stuck:
        return _Found(f"{grain.value} of {source.name} is read from the source: {stuck[0]} does not merge")
    ids = {leaf.id for leaf in needed}
    finer = tuple(
        one
        for one in nesting.finer(grain, plan.grains)
        if ids <= {leaf.id for leaf in source.leaves_at(one)} and (not kept or one is plan.grains[0])
    )
    if not finer:
        why = f"does not nest in {plan.grains[0].value}" if kept else "needs a metric that no finer grain has"
        return _Found(f"{grain.value} of {source.name} {why}")
    said = f"{grain.value} of {source.name} may be merged from {finer[0].value}"
    if kept:
        said += f", with the kept values of {', '.join(leaf.label for leaf in kept)}"
    return _Found(said, RollUp(source.name, grain, finer), kept)


def _kept(plan: Plan, found: list[_Found]) -> Iterator[Kept]:
    """Of each source the leaves whose values a roll-up needs, or what reaches back."""
    for source in plan.sources:
        leaves = {
            leaf.id: leaf
            for one in found
            if one.rule is not None and one.rule.source == source.name
            for leaf in one.kept
        }
        leaves |= {leaf.id: leaf for leaf in reach.bases(plan, source)}
        if leaves:
            yield Kept(source.name, tuple(leaves[one] for one in sorted(leaves)))


def _windows(plan: Plan) -> Iterator[str]:
    """Where what leaves reach back to comes from, a grain and source that has such."""
    for source in plan.sources:
        for grain in plan.grains:
            found = reach.reached(plan, source, grain)
            if found is None:
                continue
            about = f"what {grain.value} of {source.name} reaches back to"
            if found.rule is None:
                yield f"{about} is read from the source: {found.text}"
            else:
                yield f"{about} may be merged from {found.text}"

"""What leaves reach back to: from the states and the kept values of days, or why from the source.

All leaves of a source and grain or none, so that no row mixes two truths; balances that are carried always
go on besides. Whether the days are there is seen when a run starts. None where rows are grouped by what is
looked up: what is stored of a day is of what its keys led to then, a row is of what they lead to at its end.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from dashpipe.compile.kept import keepable
from dashpipe.compile.plan import Leaf, Merged, Plan, SourcePlan
from dashpipe.spec.model import Grain


@dataclass(frozen=True, slots=True)
class Reached:
    """What is known of one source and grain: how it is merged, and in words that or why it is not."""

    text: str
    rule: Merged | None = None


def reached(plan: Plan, source: SourcePlan, grain: Grain) -> Reached | None:
    """How what a source's leaves reach back to at a grain may be merged; ``None``: they do not."""
    leaves = [leaf for leaf in source.framed_at(grain) if leaf.frame.reaches]
    if not leaves:
        return None
    if plan.subject.hidden_keys:
        return Reached("rows are grouped by what is looked up, and a run looks it up anew")
    if source.unique:
        return Reached("only the newest documents of each day count")
    able, finest = keepable(source), plan.grains[0]
    merging = [leaf for leaf in leaves if leaf.merges]
    counted = tuple(leaf for leaf in leaves if not leaf.merges and leaf.base in able)
    for leaf in leaves:
        stored = leaf.merges or leaf in counted
        if not stored and not (leaf.goes_on and (merging or counted)):
            return Reached(f"{leaf.label} does not merge")
    order = tuple(Grain)
    for leaf in counted:
        if order.index(finest) > order.index(leaf.frame.atom(grain)):
            return Reached(f"values are kept of a {finest.value}, not of a {leaf.frame.atom(grain).value}")
    atoms = {leaf.frame.atom(grain) for leaf in leaves if leaf not in counted} if merging else {finest}
    atom = min(atoms, key=order.index)
    kept = {leaf.id for leaf in source.own_at(atom)} if atom in plan.grains else set()
    if len(atoms) != 1 or not {leaf.base for leaf in merging if leaf.frame.of is None} <= kept:
        return Reached("its days or hours are no grain of the subject")
    told = [f"the states of {atom.value}"] if merging else []
    told += [f"the kept values of {finest.value}"] if counted else []
    return Reached(" and ".join(told), Merged(source.name, grain, atom, counted))


def merging(plan: Plan) -> Iterator[Merged]:
    """The grains of which what leaves reach back to may be merged."""
    for source in plan.sources:
        for grain in plan.grains:
            found = reached(plan, source, grain)
            if found is not None and found.rule is not None:
                yield found.rule


def keeping(plan: Plan) -> Plan:
    """The plan with what leaves reach back to merged; its finest grain has the leaves whose values serve."""
    rules = tuple(merging(plan))
    if not rules:
        return plan
    sources = tuple(_with(source, _bases(rules, source.name), plan.grains[0]) for source in plan.sources)
    return replace(plan, sources=sources, merged=rules)


def bases(plan: Plan, source: SourcePlan) -> tuple[Leaf, ...]:
    """The leaves of a source whose values what reaches back is counted from."""
    ids = _bases(plan.merged, source.name)
    return tuple(leaf for leaf in source.leaves if leaf.id in ids)


def _bases(rules: tuple[Merged, ...], source: str) -> frozenset[str | None]:
    return frozenset(leaf.base for one in rules if one.source == source for leaf in one.counted)


def _with(source: SourcePlan, ids: frozenset[str | None], finest: Grain) -> SourcePlan:
    """A source of which the finest grain needs further leaves."""
    added = tuple(one for one in ids if one is not None)
    by_grain = tuple(
        (grain, tuple(sorted({*needed, *added})) if grain is finest else needed)
        for grain, needed in source.by_grain
    )
    return replace(source, by_grain=by_grain)

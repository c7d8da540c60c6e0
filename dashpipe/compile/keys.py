"""The key of a plan's rows: one type in all sources, and what is looked up by it."""

from __future__ import annotations

from dataclasses import replace

from dashpipe.compile.errors import CompileError
from dashpipe.compile.leaves import ranks
from dashpipe.compile.plan import LookupPlan, Plan, SourcePlan
from dashpipe.spec.model import Subject


def agree(subject: Subject, sources: tuple[SourcePlan, ...]) -> None:
    """All sources have one type for each dimension of the key.

    Raises:
        CompileError: Two differ.
    """
    for one in sources[1:]:
        for ours, theirs in zip(sources[0].key, one.key):
            if ours.type is not theirs.type:
                raise CompileError(
                    subject.id,
                    f"dimension {ours.name} is {ours.type.value} in source {sources[0].name} "
                    f"and {theirs.type.value} in source {one.name}",
                )


def mergeable(subject: Subject, sources: tuple[SourcePlan, ...]) -> None:
    """Rows that are merged by what is looked up hold only what can be had of hidden keys.

    Raises:
        CompileError: Something cannot.
    """
    if not subject.hidden_keys:
        return
    for source in sources:
        for leaf in source.leaves:
            if not (leaf.adds_up or ranks.by_pairs(leaf) or leaf.options.daily is not None):
                raise CompileError(
                    subject.id, f"{leaf.label} cannot be merged by what is looked up in another collection"
                )


def of_rows(plan: Plan) -> Plan:
    """The plan once groups of hidden keys are merged: the key of its sources is that of the rows."""
    by = {one.name: one.key for one in plan.lookups if one.grouped}
    if not by:
        return plan
    sources = []
    for source in plan.sources:
        known = {one.name: one for one in source.key}
        key = [one for one in source.key if one.name not in by.values()]
        key += [replace(known[hidden], name=name, found=True) for name, hidden in by.items()]
        sources.append(replace(source, key=tuple(sorted(key, key=lambda one: one.name))))
    return replace(plan, sources=tuple(sources))


def lookups(subject: Subject) -> tuple[LookupPlan, ...]:
    """What is looked up, each after what its key is.

    Raises:
        CompileError: A lookup goes by nothing that is there.
    """
    waiting = {one.name: one.lookup for one in subject.dimensions if one.lookup is not None}
    known = {one.name for one in subject.key}
    found: list[LookupPlan] = []
    while waiting:
        ready = [name for name, one in waiting.items() if one.key in known]
        if not ready:
            raise CompileError(subject.id, f"{next(iter(waiting))} is looked up by no dimension of the key")
        for name in ready:
            one = waiting.pop(name)
            connection = one.connection or subject.sources[0].connection
            grouped = one.key in subject.hidden_keys
            chained = one.key not in {each.name for each in (*subject.key, *subject.row_key)}
            found.append(LookupPlan(name, one.key, one, connection, chained, grouped))
        known.update(ready)
    return tuple(found)

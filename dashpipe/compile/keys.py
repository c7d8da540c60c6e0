"""The key of a plan's rows: one type in all sources, and what is looked up by it."""

from __future__ import annotations

from dashpipe.compile.errors import CompileError
from dashpipe.compile.plan import LookupPlan, SourcePlan
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
    """Rows that are merged by what is looked up hold only what can be merged.

    Raises:
        CompileError: Something cannot.
    """
    if not subject.hidden_keys:
        return
    for source in sources:
        for leaf in source.leaves:
            if not leaf.merges or not leaf.frame.plain:
                raise CompileError(
                    subject.id, f"{leaf.label} cannot be merged by what is looked up in another collection"
                )


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

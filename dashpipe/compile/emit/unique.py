"""Of the documents of a partition that agree on some keys, the newest: one group, one small document a key.

The winner is the maximum of ``{time, _id, what is read}``, which servers compare from the left; ``_id`` is
unique, so what is read decides nothing. No sort, no list of documents, and nothing is carried along that no
expression reads.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from dashpipe import expr
from dashpipe.compile import instant
from dashpipe.compile.emit import labels as lb
from dashpipe.compile.emit.stages import Stages
from dashpipe.compile.plan import Leaf, SourcePlan
from dashpipe.spec.model import Calendar, Grain


def newest(
    source: SourcePlan, leaves: Iterable[Leaf], grain: Grain, calendar: Calendar, labels: Iterable[str]
) -> Stages:
    """The stages that leave, of the documents of a partition with equal keys, the newest; none without keys.

    Args:
        source: The source.
        leaves: What is computed of the documents: only what these read is kept of them.
        grain: The grain whose partitions count.
        calendar: What the partitions follow from.
        labels: The partitions.
    """
    if not source.unique:
        return []
    moment = instant.value(source.source.time)
    group: dict[str, Any] = {"p": lb.of_time(grain, moment, calendar, labels)}
    for at, key in enumerate(source.unique):
        group[f"u{at}"] = {"$ifNull": [expr.to_agg(key), None]}  # NULLs are one group, as in SQL
    kept = {"t": moment, "i": "$_id", "d": reduced(_read(source, leaves))}
    return [
        {"$group": {"_id": group, "m": {"$max": kept}}},
        {"$replaceWith": {"$mergeObjects": ["$m.d", {"_id": "$m.i"}]}},
    ]


def _read(source: SourcePlan, leaves: Iterable[Leaf]) -> set[str]:
    """The paths that are read of a document once it was chosen."""
    typed = [*(one.expr for one in source.key), *(one for leaf in leaves for one in leaf.reads)]
    if source.where is not None:
        typed.append(source.where)
    read = {source.source.time.field}.union(*(expr.paths(one) for one in typed))
    unwind = source.source.unwind
    if unwind is None:
        return read
    return {one for one in read if one.split(".")[0] != unwind.alias} | {unwind.path}


def reduced(paths: Iterable[str]) -> dict[str, Any]:
    """A document with some paths of another; one that lies in another of them comes with it."""
    made: dict[str, Any] = {}
    for path in sorted(set(paths) - {"_id"}):
        *above, last = path.split(".")
        into = made
        for step in above:
            into = into.setdefault(step, {})
            if not isinstance(into, dict):
                break
        else:
            into[last] = _value(path)
    return made


def _value(path: str) -> Any:
    """A field's value; null where an array lies on the way: there is no one value."""
    arrays = [{"$isArray": [f"${one}"]} for one in instant.parents(path)]
    if not arrays:
        return f"${path}"
    return {"$cond": [arrays[0] if len(arrays) == 1 else {"$or": arrays}, None, f"${path}"]}

"""From parts to rows: lookups joined, metrics finished from their states, the row in its final form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dashpipe.compile.covers import known_from
from dashpipe.compile.emit import fill
from dashpipe.compile.emit.columns import computed, problems
from dashpipe.compile.emit.grouped import found_by
from dashpipe.compile.emit.journeys import journeys
from dashpipe.compile.emit.reach import Of, joined, present
from dashpipe.compile.emit.stages import Stages
from dashpipe.compile.plan import Column, Leaf, Plan
from dashpipe.spec.model import Grain


def finalise(
    plan: Plan,
    grain: Grain,
    incomplete: tuple[str, ...],
    lookups: Mapping[str, str],
    into: str | None,
    whole: Mapping[Of, str] | None = None,
) -> Stages:
    """The pipeline from parts to rows, to be run on the parts (or appended to the one scan of a plan).

    Args:
        plan: The plan.
        grain: The grain of the rows.
        incomplete: The labels of partitions that are not over yet.
        lookups: For each looked-up dimension, the collection ``{_id: key, v: value}`` in the same database;
            of one with validity ``{_id: key, at: [{p: partition, v: value}]}``.
        into: The staging collection to replace, or ``None`` to yield the rows.
        whole: For each whole of the grain, the collection of its parts.
    """
    columns = plan.columns_at(grain)
    places = {one.name: f"c{at}" for at, one in enumerate(columns)}
    # Leaves of days are of other parts, and what is made of them of these.
    leaves = {
        leaf.id: leaf
        for source in plan.sources
        for leaf in source.leaves_at(grain)
        if leaf.options.daily is not None or not leaf.frame.daily
    }
    stages: Stages = [*present(plan, grain), *joined(plan, grain, whole or {})]
    further = {one.key for one in plan.lookups if one.chained}
    for lookup in plan.lookups:
        if lookup.grouped:
            continue  # the parts are grouped by it
        local = f"v_{lookup.key}" if lookup.chained else f"k.{lookup.key}"
        found = {"from": lookups[lookup.name], "localField": local, "foreignField": "_id"}
        stages.append({"$lookup": {**found, "as": f"l_{lookup.name}"}})
        if lookup.name in further:
            stages.append({"$set": {f"v_{lookup.name}": found_by(lookup)}})
    subject = plan.subject
    known = {one.name: known_from(one.frame, grain, subject.start, subject.calendar) for one in columns}
    stages += computed(columns, leaves, places, {name: one for name, one in known.items() if one is not None})
    stages.append({"$replaceWith": _row(plan, grain, columns, places, leaves, incomplete)})
    if into is not None:
        stages.append({"$out": into})
    return stages


def direct(plan: Plan, grain: Grain) -> bool:
    """Whether one scan gives whole parts, so that no parts collection is needed between scan and rows."""
    if plan.lookups or len(plan.sources) != 1 or not plan.sources[0].key:
        return False
    if plan.fills(grain) or plan.sources[0].framed_at(grain):
        return False
    if journeys(plan, grain, plan.sources[0].name) or plan.kept:
        return False
    wanted = {leaf.id for leaf in plan.sources[0].leaves_at(grain)}
    scans = [one for one in plan.sources[0].aggregates if any(leaf.id in wanted for leaf in one.leaves)]
    return len(scans) == 1


def spine(plan: Plan, labels: tuple[str, ...]) -> list[dict[str, Any]]:
    """The parts that are there without documents: without dimensions, one row a partition always."""
    return [] if plan.subject.key else [{"_id": label, "p": label} for label in labels]


def _row(
    plan: Plan,
    grain: Grain,
    columns: tuple[Column, ...],
    places: Mapping[str, str],
    leaves: Mapping[str, Leaf],
    incomplete: tuple[str, ...],
) -> dict[str, Any]:
    row: dict[str, Any] = {"_id": "$_id"}
    looked_up = {one.name: found_by(one) for one in plan.lookups if not one.grouped}
    for dimension in plan.subject.dimensions:
        row[dimension.name] = {"$ifNull": [looked_up.get(dimension.name, f"$k.{dimension.name}"), None]}
    for one in columns:
        if grain in one.shown:
            row[one.name] = {"$ifNull": [fill.value(plan, grain, one, f"${places[one.name]}"), None]}
    row["partition_date"] = {"$substrBytes": ["$p", 0, 10]}
    if grain is Grain.HOUR:
        row["partition_hour"] = {"$substrBytes": ["$p", 11, 8]}
    row["grain"] = grain.value
    row["complete"] = {"$not": [{"$in": ["$p", list(incomplete)]}]} if incomplete else True
    row |= fill.mark(plan, grain)
    row["_state"] = {leaf.id: f"${leaf.id}" for leaf in leaves.values() if leaf.stored}
    found = problems(columns, places, leaves)
    if found:
        row["_problems"] = {
            "$let": {
                "vars": {"found": {"$setDifference": [found, [None]]}},
                "in": {"$cond": [{"$eq": ["$$found", []]}, "$$REMOVE", "$$found"]},
            }
        }
    return row

"""Of which partitions the kept values changed: what is counted from them is restated for these alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dashpipe.compile import emit
from dashpipe.run import ledger, united
from dashpipe.run.places import of_values
from dashpipe.run.transform.work import Work


def changes(work: Work, labels: tuple[str, ...], unknown: frozenset[str]) -> dict[str, frozenset[str]]:
    """By leaf whose values are kept, those of some partitions that hold others than are stored.

    Args:
        work: The work on the finest grain; the values of these partitions are staged.
        labels: The partitions.
        unknown: Those of them that count as changed where nothing tells: their values were not kept before,
            were pruned since, or left half-way by a run that was killed.
    """
    plan = work.run.plan
    leaves = [(one.name, leaf.id) for one in plan.sources for leaf in plan.kept_of(one.name)]
    if not leaves or not labels or not plan.reaches:
        return {}
    differ = _differing(work, labels)
    known = ledger.rows(work.session.target, work.run.subject.id, work.grain, labels)
    found: dict[str, frozenset[str]] = {}
    for source, leaf in leaves:
        told = {label for label, row in known.items() if _kept(row, source, leaf)}
        found[leaf] = frozenset(differ.get(leaf, ())) & told | (unknown - told)
    return found


def _kept(row: Mapping[str, Any], source: str, leaf: str) -> bool:
    """Whether a partition's values of a leaf are stored: all that it had when it was computed last."""
    gone = row["state"] in (ledger.LOADED, ledger.PRUNED)  # or half of what a killed run wrote
    return not gone and leaf in row.get("leaves", {}).get(source, ())


def _differing(work: Work, labels: tuple[str, ...]) -> dict[str, list[str]]:
    run = work.run
    place = of_values(run.plan, run.targets)
    assert place is not None
    mine: emit.Stages = [
        {"$match": emit.rows(work.grain, labels)},
        {"$project": {"leaf": 1, "p": emit.label(work.grain), "s": 1}},
    ]
    stages: emit.Stages = [
        *mine,
        {"$unionWith": {"coll": place.collection, "pipeline": mine}},
        {
            "$group": {
                "_id": "$_id",
                "p": {"$first": "$p"},
                "leaf": {"$first": "$leaf"},
                "n": {"$sum": 1},
                "s": {"$addToSet": {"$ifNull": ["$s", None]}},
            }
        },
        {"$match": {"$expr": {"$or": [{"$ne": ["$n", 2]}, {"$gt": [{"$size": "$s"}, 1]}]}}},
        {"$group": {"_id": "$leaf", "p": {"$addToSet": "$p"}}},
    ]
    found = united.aggregate(run, work.session, work.session.target[work.values], stages, "transform")
    return {one["_id"]: one["p"] for one in found}

"""Distinct counts by two groupings, against a set a key, over more and more different values."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

from benchmarks.database import START, Bench, bench
from benchmarks.harness import Measure, Result, inside, paired
from dashpipe.compile import compile_subject, emit
from dashpipe.run import encode
from dashpipe.spec.model import Grain

SPEC = """\
dashpipe: 1
subject: visitors
description: Visitors.
schedule: none
sources:
  - name: visits
    collection: visits
    time: at
    fields: {site: string, visitor: string}
    dimensions: [site]
dimensions: [site]
grains: [day]
metrics:
  - {name: visitors, source: visits, type: count_distinct, expr: visitor}
checks:
  - {id: not-empty, type: row_count, fail: {below: 1}}
"""


def run(*, quick: bool) -> list[Result]:
    """Compare for each number of values."""
    sizes = (100, 10_000) if quick else (100, 1_000, 10_000, 100_000, 1_000_000)
    with bench() as here:
        subject = here.subjects({"visitors": SPEC})["visitors"]
        plan = compile_subject(subject)
        (stages,) = (
            one
            for one in emit.scan(plan, Grain.DAY, "visits", (START.isoformat(),), None)
            if any("v" in group.get("_id", {}) for group in _groups(one))
        )
        results = []
        for size in sizes:
            documents = max(20_000, 2 * size)
            _fill(here, documents, size)
            results.append(_compare(here, stages, size, documents))
        return results


def _groups(stages: emit.Stages) -> list[dict[str, Any]]:
    return [one["$group"] for one in stages if isinstance(one.get("$group", {}).get("_id"), dict)]


def _fill(here: Bench, documents: int, values: int) -> None:
    collection = here.client["source"]["visits"]
    collection.drop()
    collection.create_index("at")
    at = datetime(START.year, START.month, START.day, 12, tzinfo=timezone.utc)
    for first in range(0, documents, 10_000):
        collection.insert_many(
            [
                {"_id": one, "at": at, "site": "a", "visitor": f"v{one % values:08d}"}
                for one in range(first, min(first + 10_000, documents))
            ],
            ordered=False,
        )


def _compare(here: Bench, stages: emit.Stages, size: int, documents: int) -> Result:
    as_set = [stages[0], {"$group": {"_id": "$site", "seen": {"$addToSet": "$visitor"}}}]
    as_set.append({"$project": {"n": {"$size": "$seen"}}})
    return paired(
        f"{size:,} different values of a key, exactly",
        ("two groupings", lambda: _timed(here, stages)),
        ("a set, then its size", lambda: _timed(here, as_set)),
        pairs=3,
        about={"documents": documents, "server": here.server.build},
    )


def _timed(here: Bench, stages: emit.Stages) -> Measure:
    def work() -> None:
        list(here.client["source"]["visits"].aggregate(encode.to_bson(stages), allowDiskUse=True))

    return inside(work, here.server.pid)

"""Distinct counts by two groupings, against a set a key, over more and more different values."""

from __future__ import annotations

from datetime import datetime, timezone
from itertools import takewhile
from typing import Any

from pymongo.errors import ExecutionTimeout

from benchmarks.database import START, Bench, bench
from benchmarks.harness import Result, inside, paired
from dashpipe.compile import compile_subject, emit
from dashpipe.run import encode
from dashpipe.spec.model import Grain

#: Seconds that a set may take; where it grows in quadratic time, one of a million values takes hours.
LIMIT = 120

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
            results.append(_compare(here, stages, size, documents, pairs=1 if quick else 3))
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


def _compare(here: Bench, stages: emit.Stages, size: int, documents: int, pairs: int) -> Result:
    as_set = list(takewhile(lambda one: "$match" in one, stages))
    as_set.append({"$group": {"_id": "$site", "seen": {"$addToSet": "$visitor"}}})
    as_set.append({"$project": {"n": {"$size": "$seen"}}})
    ended = _ends(here, as_set)
    about = {} if ended else {"a set ran for": f"{LIMIT} s without an end, so the figure is a lower bound"}
    return paired(
        f"{size:,} different values of a key, exactly",
        ("two groupings", lambda: inside(lambda: _aggregate(here, stages), here.server.pid)),
        ("a set, then its size", lambda: inside(lambda: _ends(here, as_set), here.server.pid)),
        pairs=pairs if ended else 1,
        warm=ended,
        about={"documents": documents, "server": here.server.build, **about},
    )


def _ends(here: Bench, stages: emit.Stages) -> bool:
    """Whether it ends in time; it is stopped where it does not."""
    try:
        _aggregate(here, stages, maxTimeMS=1000 * LIMIT)
    except ExecutionTimeout:
        return False
    return True


def _aggregate(here: Bench, stages: emit.Stages, **limits: Any) -> None:
    list(here.client["source"]["visits"].aggregate(encode.to_bson(stages), allowDiskUse=True, **limits))

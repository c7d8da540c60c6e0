"""A percentile by its exact rank, against the server's estimate, in whole scans of a month."""

from __future__ import annotations

from typing import Any

from benchmarks.database import DAYS, START, Bench, bench, fill
from benchmarks.harness import Measure, Result, inside, paired
from dashpipe.compile import compile_subject, emit, partition
from dashpipe.run import encode
from dashpipe.spec.model import Grain

SPEC = """\
dashpipe: 1
subject: {name}
description: Totals by country and day.
schedule: none
sources:
  - name: orders
    collection: orders
    time: created_at
    fields: {{country: string, total: number}}
    dimensions: [country]
dimensions: [country]
grains: [day]
metrics:
  - {{name: p90, source: orders, type: percentile, expr: round(total), p: 0.9, approximate: {approximate}}}
checks:
  - {{id: not-empty, type: row_count, fail: {{below: 1}}}}
"""


def run(*, quick: bool) -> list[Result]:
    """Compare, after a look that both give the same parts."""
    documents = 20_000 if quick else 500_000
    with bench() as here:
        fill(here, documents)
        exact, estimated = _scans(here, "exact", "false"), _scans(here, "estimated", "true")
        rows = {one["_id"] for one in _rows(here, exact[-1])}
        assert rows == {one["_id"] for one in _rows(here, estimated[-1])}
        return [
            paired(
                "a percentile of each country and day",
                ("the server's estimate", lambda: _timed(here, estimated)),
                ("its exact rank", lambda: _timed(here, exact)),
                pairs=1 if quick else 5,
                about={"documents": documents, "rows": len(rows), "days": DAYS, "server": here.server.build},
            )
        ]


def _scans(here: Bench, name: str, approximate: str) -> list[emit.Stages]:
    subject = here.subjects({name: SPEC.format(name=name, approximate=approximate)})[name]
    plan = compile_subject(subject)
    last = START.replace(day=DAYS).isoformat()
    labels = partition.touching(
        Grain.DAY,
        partition.bounds(Grain.DAY, START.isoformat(), subject.calendar)[0],
        partition.bounds(Grain.DAY, last, subject.calendar)[1],
        subject.calendar,
    )
    return emit.scan(plan, Grain.DAY, "orders", labels, None)


def _rows(here: Bench, stages: emit.Stages) -> list[dict[str, Any]]:
    return list(here.client["source"]["orders"].aggregate(encode.to_bson(stages), allowDiskUse=True))


def _timed(here: Bench, scans: list[emit.Stages]) -> Measure:
    return inside(lambda: [_rows(here, one) for one in scans], here.server.pid)

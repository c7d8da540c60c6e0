"""A month merged from the stored states of its days, against the month read from its documents."""

from __future__ import annotations

from typing import Any

from benchmarks.database import DAYS, START, Bench, bench, fill
from benchmarks.fused import METRICS, spec
from benchmarks.harness import Measure, Result, inside, paired
from dashpipe.compile import compile_subject, emit, partition
from dashpipe.run import encode
from dashpipe.spec.model import Grain


def run(*, quick: bool) -> list[Result]:
    """Compare, after a look that both give the same parts."""
    documents = 50_000 if quick else 500_000
    with bench() as here:
        fill(here, documents)
        text = spec("monthly", list(METRICS)).replace("grains: [day]", "grains: [day, month]")
        subject = here.subjects({"monthly": text})["monthly"]
        here.run(subject)
        plan = compile_subject(subject)
        month = (START.replace(day=1).isoformat(),)
        states = emit.rollup(plan, Grain.MONTH, Grain.DAY, "orders", month, (), "shop_monthly", None)
        (source,) = emit.scan(plan, Grain.MONTH, "orders", month, None)
        ours = _rows(here, "target", "nothing_staged", states)
        assert _rounded(ours) == _rounded(_rows(here, "source", "orders", source))
        return [
            paired(
                "a month of 20 metrics, from the states of its days",
                ("merged from day rows", lambda: _timed(here, "target", "nothing_staged", states)),
                ("read from the documents", lambda: _timed(here, "source", "orders", source)),
                pairs=5,
                goal=20.0,
                about={
                    "documents": documents,
                    "days": DAYS,
                    "rows": len(ours),
                    "server": here.server.build,
                    "partitions": len(partition.contains(Grain.MONTH, month[0], Grain.DAY, subject.calendar)),
                },
            )
        ]


def _rows(here: Bench, database: str, collection: str, stages: emit.Stages) -> list[dict[str, Any]]:
    return list(here.client[database][collection].aggregate(encode.to_bson(stages)))


def _timed(here: Bench, database: str, collection: str, stages: emit.Stages) -> Measure:
    return inside(lambda: _rows(here, database, collection, stages), here.server.pid)


def _rounded(parts: list[dict[str, Any]]) -> list[list[Any]]:
    """Parts in one order, doubles without the digits that the order of a sum decides."""
    plain = []
    for one in sorted(parts, key=lambda part: str(part["_id"])):
        values = [value for name, value in sorted(one.items()) if name != "k"]
        plain.append([round(value, 4) if isinstance(value, float) else value for value in values])
    return plain

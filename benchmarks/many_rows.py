"""The memory of the worker where a run has ten times the rows: it must not grow with them on either route."""

from __future__ import annotations

import sys
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from functools import partial
from typing import Any

import psutil
from pymongo import MongoClient

from benchmarks.database import START, Bench, bench
from benchmarks.harness import Measure, Result, paired, process
from dashpipe import embedded

SPEC = """\
dashpipe: 1
subject: customers
description: One row per customer and day.
schedule: none
sources:
  - name: orders
    collection: {collection}
    time: at
    fields: {{customer: string, total: integer}}
    dimensions: [customer]
dimensions: [customer]
grains: [day]
metrics:
  - {{name: orders, source: orders, type: count}}
  - {{name: revenue, source: orders, type: sum, expr: total}}
target:
  collection: dash_{collection}
checks:
  - {{id: not-empty, type: row_count, fail: {{below: 1}}}}
"""


def run(*, quick: bool) -> list[Result]:
    """Compare, computed inside the server and read through the worker."""
    few = 2_000 if quick else 100_000
    with bench() as here, embedded.start() as other:
        for size in (few, 10 * few):
            _fill(here, size)
        results = []
        for route, target in (("on the server", here.server), ("through the worker", other)):
            uri = target.database_uri("target")
            results.append(
                paired(
                    f"the worker's memory with {10 * few} rows, beside {few}: {route}",
                    (f"{10 * few} rows", partial(_run, here, 10 * few, uri)),
                    (f"{few} rows", partial(_run, here, few, uri)),
                    pairs=1,
                    faster=False,
                    goal=1.2,
                    warm=False,
                    memory=True,
                    about={"server": here.server.build},
                )
            )
        return results


def _fill(here: Bench, size: int) -> None:
    collection = here.client["source"][f"orders_{size}"]
    collection.create_index("at")
    midnight = datetime(START.year, START.month, START.day, tzinfo=timezone.utc)
    for first in range(0, size, 5_000):
        batch: list[dict[str, Any]] = [
            {"at": midnight + timedelta(seconds=one % 86_400), "customer": f"c{one:08d}", "total": one % 97}
            for one in range(first, min(first + 5_000, size))
        ]
        collection.insert_many(batch, ordered=False)


def _run(here: Bench, size: int, target: str) -> Measure:
    """A first run, in a process of its own; every row must arrive."""
    here.subjects({"customers": SPEC.format(collection=f"orders_{size}")})
    window = ("--from", START.isoformat(), "--to", (START + timedelta(days=1)).isoformat())
    with MongoClient[dict[str, Any]](target) as client:
        client.drop_database("target")
        command = [sys.executable, "-m", "dashpipe", "run", "bench_shop_customers_v1", *window]
        uris = {
            "DASHPIPE_SOURCE_URI": here.server.database_uri("source"),
            "DASHPIPE_TARGET_URI": target,
        }
        before = _cpu(here)
        found = process(command, here.folder, **uris)
        assert client["target"][f"dash_orders_{size}"].estimated_document_count() == size
    return replace(found, cpu=found.cpu + _cpu(here) - before)


def _cpu(here: Bench) -> float:
    """What the source's server worked so far; that of a target elsewhere does not count."""
    times = psutil.Process(here.server.pid).cpu_times()
    return float(times.user + times.system)

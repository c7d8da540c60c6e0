"""A whole run inside the server, against pandas: read the documents, group, ``bulk_write`` upserts."""

from __future__ import annotations

import math
from datetime import datetime, timedelta, timezone
from functools import partial
from typing import Any

import pandas as pd
from pymongo import UpdateOne

from benchmarks.database import Bench, bench
from benchmarks.harness import Result, inside, paired
from dashpipe import demo
from dashpipe.spec.model import Subject

ZONE = "America/New_York"

SPEC = """\
dashpipe: 1
subject: carrier
description: Flights.
timezone: America/New_York
start: 2013-01-01
schedule: none
sources:
  - name: flights
    collection: flights
    time: departed_at
    fields: {carrier.code: string, dep_delay: integer, arr_delay: integer, distance: integer}
    dimensions:
      - {name: carrier, expr: carrier.code}
dimensions: [carrier]
grains: [day]
metrics:
  - {name: flights, source: flights, type: count}
  - {name: cancelled, source: flights, type: count, where: dep_delay IS NULL}
  - {name: cancel_rate, type: ratio, numerator: cancelled, denominator: flights}
  - {name: late, source: flights, type: count, where: dep_delay > 15}
  - {name: dep_delay_avg, source: flights, type: avg, expr: dep_delay}
  - {name: arr_delay_avg, source: flights, type: avg, expr: arr_delay}
  - {name: arr_delay_max, source: flights, type: max, expr: arr_delay}
  - {name: miles, source: flights, type: sum, expr: distance}
checks:
  - {id: not-empty, type: row_count, fail: {below: 1}}
"""

METRICS = (
    "flights",
    "cancelled",
    "cancel_rate",
    "late",
    "dep_delay_avg",
    "arr_delay_avg",
    "arr_delay_max",
    "miles",
)


def run(*, quick: bool) -> list[Result]:
    """Compare, after a look that both give the same rows."""
    months = (1,) if quick else tuple(range(1, 13))
    with bench() as here:
        documents = demo.load_flights(here.client["source"], months)
        subject = here.subjects({"carrier": SPEC})["carrier"]
        days = 31 if quick else 365
        _ours(here, subject, days)
        rows = _same(here, days)
        return [
            paired(
                f"a whole first run of a day grain, beside pandas on {what}",
                ("six steps, on the server", lambda: _timed(here, lambda: _ours(here, subject, days))),
                (
                    "find, pandas groupby, bulk_write",
                    partial(_timed, here, partial(with_pandas, here, days, fields)),
                ),
                pairs=1 if quick else 3,
                warm=False,
                goal=5.0,
                about={"documents": documents, "rows": rows, "server": here.server.build},
            )
            for what, fields in (("the fields that it needs", FIELDS), ("whole documents", None))
        ] + [
            paired(
                "no run, but one bare $group and $merge, beside pandas on the fields that it needs",
                ("without a guard, a check or a lease", lambda: _timed(here, lambda: bare(here, days))),
                (
                    "find, pandas groupby, bulk_write",
                    lambda: _timed(here, lambda: with_pandas(here, days, FIELDS)),
                ),
                pairs=1 if quick else 3,
                warm=False,
                about={"documents": documents, "rows": rows, "server": here.server.build},
            )
        ]


def _timed(here: Bench, work: Any) -> Any:
    here.forget()
    return inside(work, here.server.pid)


def _ours(here: Bench, subject: Subject, days: int) -> None:
    here.run(subject, datetime(2013, 1, 1, tzinfo=timezone.utc).date(), days)


#: What the metrics need of a document.
FIELDS = {"_id": 0, "departed_at": 1, "carrier.code": 1, "dep_delay": 1, "arr_delay": 1, "distance": 1}


def with_pandas(here: Bench, days: int, fields: dict[str, int] | None) -> None:
    """What people write today: no lease, no ledger, no staging, no checks, no guards.

    Args:
        here: The server.
        days: Days from the 1st of January on.
        fields: What is asked for of each document; None: all of it.
    """
    first = datetime(2013, 1, 1, 5, tzinfo=timezone.utc)
    found = here.client["source"]["flights"].find(
        {"departed_at": {"$gte": first, "$lt": first + timedelta(days=days)}},
        fields,
    )
    frame = pd.DataFrame(
        [
            (
                one["departed_at"],
                one["carrier"]["code"],
                one.get("dep_delay"),
                one.get("arr_delay"),
                one.get("distance"),
            )
            for one in found
        ],
        columns=["departed_at", "carrier", "dep_delay", "arr_delay", "distance"],
    )
    frame["day"] = frame["departed_at"].dt.tz_convert(ZONE).dt.strftime("%Y-%m-%d")
    frame["cancelled"] = frame["dep_delay"].isna()
    frame["late"] = frame["dep_delay"] > 15
    grouped = frame.groupby(["day", "carrier"]).agg(
        flights=("day", "size"),
        cancelled=("cancelled", "sum"),
        late=("late", "sum"),
        dep_delay_avg=("dep_delay", "mean"),
        arr_delay_avg=("arr_delay", "mean"),
        arr_delay_max=("arr_delay", "max"),
        miles=("distance", "sum"),
    )
    grouped["cancel_rate"] = grouped["cancelled"] / grouped["flights"]
    rows = grouped.reset_index().astype(object).where(lambda one: one.notna(), None).to_dict("records")
    target = here.client["target"]["by_pandas"]
    target.create_index("partition_date")
    for at in range(0, len(rows), 1_000):
        target.bulk_write(
            [
                UpdateOne(
                    {"_id": f"{one['day']}|{one['carrier']}"},
                    {"$set": {**one, "partition_date": one["day"]}},
                    upsert=True,
                )
                for one in rows[at : at + 1_000]
            ],
            ordered=False,
        )


def bare(here: Bench, days: int) -> None:
    """The least that a server can do for these rows: how far off any whole run must be on this build."""
    first = datetime(2013, 1, 1, 5, tzinfo=timezone.utc)
    day = {"$dateToString": {"date": "$departed_at", "format": "%Y-%m-%d", "timezone": ZONE}}
    cancelled = {"$lte": ["$dep_delay", None]}
    here.client["source"]["flights"].aggregate(
        [
            {"$match": {"departed_at": {"$gte": first, "$lt": first + timedelta(days=days)}}},
            {
                "$group": {
                    "_id": {"day": day, "carrier": "$carrier.code"},
                    "flights": {"$sum": 1},
                    "cancelled": {"$sum": {"$cond": [cancelled, 1, 0]}},
                    "late": {"$sum": {"$cond": [{"$gt": ["$dep_delay", 15]}, 1, 0]}},
                    "dep_delay_avg": {"$avg": "$dep_delay"},
                    "arr_delay_avg": {"$avg": "$arr_delay"},
                    "arr_delay_max": {"$max": "$arr_delay"},
                    "miles": {"$sum": "$distance"},
                }
            },
            {
                "$set": {
                    "_id": {"$concat": ["$_id.day", "|", "$_id.carrier"]},
                    "partition_date": "$_id.day",
                    "carrier": "$_id.carrier",
                    "cancel_rate": {"$divide": ["$cancelled", "$flights"]},
                }
            },
            {"$merge": {"into": {"db": "target", "coll": "by_hand"}}},
        ]
    )


def _same(here: Bench, days: int) -> int:
    with_pandas(here, days, FIELDS)
    target = here.client["target"]
    one = {row["_id"]: row for row in target["shop_carrier"].find()}
    two = {row["_id"]: row for row in target["by_pandas"].find()}
    assert set(one) == set(two)
    assert one
    for key, row in one.items():
        for name in METRICS:
            mine, theirs = row[name], two[key][name]
            same = mine is theirs or math.isclose(mine, theirs, rel_tol=1e-9)
            assert same, (key, name, mine, theirs)
    return len(one)

"""The stages that dashpipe emits, against the best that one would write by hand for the same 20 numbers.

Twice: by hand with the guards that make the numbers right whatever the documents hold (each field once, up
front), and without them, for documents that are known to be clean. The first has a goal, the other is another
promise.
"""

from __future__ import annotations

import math
from datetime import timedelta
from functools import partial
from typing import Any

from benchmarks.database import DAYS, START, Bench, bench, fill
from benchmarks.fused import METRICS, spec
from benchmarks.harness import Measure, Result, inside, paired
from dashpipe.compile import compile_subject, emit, partition
from dashpipe.compile.emit import Stages
from dashpipe.spec.model import Calendar, Grain

ZONE = "Europe/London"


def run(*, quick: bool) -> list[Result]:
    """Compare, after a look that both give the same numbers."""
    documents = 50_000 if quick else 200_000
    with bench() as here:
        fill(here, documents)
        subject = here.subjects({"all": spec("all_metrics", list(METRICS))})["all_metrics"]
        labels = tuple(f"{START + timedelta(days=one)}" for one in range(DAYS))
        plan = compile_subject(subject)
        assert emit.direct(plan, Grain.DAY)
        (scan,) = emit.scan(plan, Grain.DAY, "orders", labels, None)
        ours = [*scan, *emit.finalise(plan, Grain.DAY, (), {}, "ours")]
        ways = {
            "by hand, guarded": by_hand(labels, guarded=True),
            "by hand, clean documents": by_hand(labels),
        }
        for hand in ways.values():
            _same(here, ours, hand)

        def aggregate(stages: Stages) -> Measure:
            collection = here.client["source"]["orders"]
            return inside(lambda: list(collection.aggregate(stages, allowDiskUse=True)), here.server.pid)

        return [
            paired(
                f"20 metrics in one pipeline, {name}",
                ("as emitted", lambda: aggregate(ours)),
                (name, partial(aggregate, hand)),
                pairs=1 if quick else 9,
                faster=False,
                goal=1.1 if "guarded" in name else None,
                about={"documents": documents, "rows": DAYS * 9, "server": here.server.build},
            )
            for name, hand in ways.items()
        ]


#: Every finite number lies between these; text, NaN and lists do not.
LEAST, MOST = -1.7976931348623157e308, 1.7976931348623157e308


def by_hand(labels: tuple[str, ...], *, guarded: bool = False) -> Stages:
    """What someone writes who knows MongoDB and these documents.

    Args:
        labels: The days.
        guarded: Whether a value that is no finite number (or, for items, no whole one) is left out.
    """

    def finite(field: str) -> list[Any]:
        return [{"$gte": [field, LEAST]}, {"$lte": [field, MOST]}]

    def kept(field: str, *also: Any) -> dict[str, Any]:
        return {"$cond": [{"$and": [*finite(field), *also]}, field, None]}

    def when(condition: Any, value: Any) -> dict[str, Any]:
        return {"$sum": {"$cond": [condition, value, 0]}}

    (bounds,) = partition.ranges(Grain.DAY, labels, Calendar(ZONE))
    web, app, shop = ({"$eq": ["$channel", one]} for one in ("web", "app", "shop"))
    large, bulk = {"$gte": ["$total", 250]}, {"$gte": ["$items", 5]}
    discounted = {"$gt": ["$discount", 0]}
    group = {
        "_id": {
            "day": {"$dateToString": {"date": "$created_at", "format": "%Y-%m-%d", "timezone": ZONE}},
            "country": "$country",
        },
        "orders": {"$sum": 1},
        "revenue": {"$sum": "$total"},
        "items": {"$sum": "$items"},
        "discounts": {"$sum": "$discount"},
        "basket": {"$avg": "$total"},
        "largest": {"$max": "$total"},
        "smallest": {"$min": "$total"},
        "most_items": {"$max": "$items"},
        "web_orders": when(web, 1),
        "web_revenue": when(web, "$total"),
        "app_orders": when(app, 1),
        "app_revenue": when(app, "$total"),
        "shop_orders": when(shop, 1),
        "shop_revenue": when(shop, "$total"),
        "large_orders": when(large, 1),
        "large_revenue": when(large, "$total"),
        "bulk_orders": when(bulk, 1),
        "bulk_items": when(bulk, "$items"),
        "discounted": when(discounted, 1),
        "discounted_revenue": when(discounted, "$total"),
    }
    start, end = bounds
    guards = {
        "total": kept("$total"),
        "discount": kept("$discount"),
        "items": kept("$items", {"$eq": ["$items", {"$trunc": "$items"}]}),
    }
    return [
        {
            "$match": {
                "created_at": {"$gte": start, "$lt": end},
                "status": {"$ne": "cancelled", "$type": "string"},
            }
        },
        *([{"$set": guards}] if guarded else []),
        {"$group": group},
        {
            "$project": {
                "_id": {"$concat": ["$_id.day", "|", "$_id.country"]},
                "partition_date": "$_id.day",
                "country": "$_id.country",
                **dict.fromkeys(METRICS, 1),
            }
        },
        {"$out": "hand"},
    ]


def _same(here: Bench, ours: Stages, hand: Stages) -> None:
    source = here.client["source"]
    for stages in (ours, hand):
        source["orders"].aggregate(stages)
    one = {row["_id"]: row for row in source["ours"].find()}
    two = {row["_id"]: row for row in source["hand"].find()}
    assert set(one) == set(two)
    for key, row in one.items():
        for name in METRICS:
            assert math.isclose(row[name], two[key][name], rel_tol=1e-9), (key, name)

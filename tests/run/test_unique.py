"""Sources whose documents are stored again for each change: whole runs count the newest of each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from pymongo import MongoClient

from dashpipe.spec.model import Subject
from tests.run import shop, stage
from tests.run.stage import Stage

Document = dict[str, Any]


@pytest.fixture
def here(mongo: MongoClient[Document], mongo_uri: str) -> Iterator[Stage]:
    with stage.open_stage(mongo, mongo_uri) as one:
        yield one


def by_buyer(**more: Any) -> Subject:
    """The shop, of whose orders the last of a buyer and partition counts."""
    orders = replace(shop.SUBJECT.sources[0], unique=("buyer",), **more)
    metrics = tuple(one for one in shop.SUBJECT.metrics if one.source == "orders")
    return replace(shop.SUBJECT, sources=(orders,), metrics=metrics)


def counted(here: Stage, start: date, end: date) -> dict[str, tuple[int, int]]:
    """Orders and amount of each row between two days, document by document."""
    last: dict[tuple[str, str, Any], Document] = {}
    for one in here.source["orders"].find().sort([("at", 1), ("_id", 1)]):
        day = one["at"].astimezone(shop.ZONE).date()
        for name, first in (
            ("dash_daily", day),
            ("dash_daily_week", day - day.weekday() * shop.DAY),
            ("dash_daily_month", day.replace(day=1)),
        ):
            last[name, first.isoformat(), one["buyer"]] = one
    rows: dict[str, tuple[int, int]] = {}
    touched = {
        "dash_daily": {start + number * shop.DAY for number in range((end - start).days)},
    }
    touched["dash_daily_week"] = {one - one.weekday() * shop.DAY for one in touched["dash_daily"]}
    touched["dash_daily_month"] = {one.replace(day=1) for one in touched["dash_daily"]}
    for (name, label, _), one in last.items():
        if one["status"] == "paid" and date.fromisoformat(label) in touched[name]:
            key = f"{name}:{label}|{one['shop'] or shop._key(None)}"
            orders, amount = rows.get(key, (0, 0))
            rows[key] = orders + 1, amount + (one["amount"] or 0)
    return rows


def shown(here: Stage) -> dict[str, tuple[int, int]]:
    return {key: (row["orders"], row["amount"]) for key, row in here.rows().items()}


def test_the_newest_of_each_partition_counts(here: Stage) -> None:
    """The last order of a buyer and day, week or month; one that is not paid leaves the buyer out."""
    done = here.go(subject=by_buyer(), start=shop.FIRST, end=date(2024, 3, 10))
    assert shown(here) == counted(here, shop.FIRST, date(2024, 3, 10))
    assert done["steps"]["transform"]["origin"]["month"]["orders"]["states"] == 0


def test_a_newer_document_takes_the_place_of_the_older(here: Stage) -> None:
    """An order that comes late replaces the buyer's last one in its day, week and month."""
    start, end = date(2024, 3, 1), date(2024, 3, 8)
    here.go(subject=by_buyer(), start=start, end=end)
    late = shop.order(996, shop.at("2024-03-07T23:59:59") + timedelta(milliseconds=999), buyer="b1", amount=7)
    here.source["orders"].insert_one(late)
    before = shown(here)
    here.go(subject=by_buyer(), start=date(2024, 3, 7), end=end)
    assert shown(here) == counted(here, start, end) != before


def test_ties_go_to_the_greatest_id(here: Stage) -> None:
    """Of two documents of one millisecond the one with the greater `_id` counts, however they are stored."""
    here.source["orders"].delete_many({})
    moment = shop.at("2024-03-05T10:00")
    some = [shop.order(number, moment, status="paid", buyer="b", amount=number) for number in (3, 1, 7, 2)]
    here.source["orders"].insert_many(some)
    here.go(subject=by_buyer(), start=date(2024, 3, 5), end=date(2024, 3, 6))
    assert {row["amount"] for row in here.rows().values()} == {7}

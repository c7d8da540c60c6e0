"""Snapshots: documents without a time are counted as they stand, on the day of the run and never again."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime
from typing import Any

import pytest
from pymongo import MongoClient

from dashpipe.run import log, status
from dashpipe.run.errors import Refused
from dashpipe.spec.model import (
    Bounds,
    Check,
    Dimension,
    Field,
    Grain,
    Metric,
    Source,
    Subject,
    Target,
    Time,
)
from tests.run import shop, stage
from tests.run.stage import Stage

Document = dict[str, Any]

SUBJECT = Subject(
    project="shop",
    domain="dash",
    name="accounts",
    version=1,
    timezone=shop.TZ,
    start="2024-03-01",
    sources=(
        Source(
            "accounts",
            "accounts",
            Time("_id", "snapshot"),
            snapshot=True,
            where="closed IS NULL",
            fields=(Field("plan", "string"), Field("balance", "integer"), Field("owner", "string")),
            dimensions=(Dimension("plan"),),
        ),
    ),
    metrics=(
        Metric("accounts", "count", source="accounts"),
        Metric("balance", "sum", source="accounts", expr="balance"),
        Metric("owners", "count_distinct", source="accounts", expr="owner"),
        Metric("middle", "median", source="accounts", expr="balance"),
        Metric("share", "share", metric="accounts", of=()),
    ),
    target=Target("dash_accounts"),
    dimensions=(Dimension("plan"),),
    grains=(Grain.DAY, Grain.WEEK, Grain.MONTH),
    checks=(Check("some", "row_count", incomplete=True, fail=Bounds(below=1)),),
)

#: A Friday and the Saturday after it, then the Monday of another week.
FRIDAY, SATURDAY, MONDAY = (shop.at(f"2024-03-{day}T23:30") for day in ("08", "09", "11"))


@pytest.fixture
def here(mongo: MongoClient[Document], mongo_uri: str) -> Iterator[Stage]:
    with stage.open_stage(mongo, mongo_uri) as one:
        fill(one)
        yield one


@pytest.fixture
def apart(here: Stage, second_uri: str) -> Iterator[Stage]:
    """The same with the source on another server."""
    client: MongoClient[Document] = MongoClient(second_uri, tz_aware=True)
    other = replace(here, source=client[here.source.name])
    fill(other)
    yield other
    client.drop_database(other.source.name)
    client.close()


@pytest.fixture(params=["server", "cursor"])
def either(request: pytest.FixtureRequest) -> tuple[Stage, str]:
    """Each route in turn, and its name."""
    return request.getfixturevalue("here" if request.param == "server" else "apart"), request.param


def fill(here: Stage) -> None:
    """Forty accounts of three plans, one of which is none; some are closed."""
    here.source["accounts"].insert_many(
        {
            "_id": number,
            "plan": ("free", "paid", None)[number % 3],
            "balance": number * 7 % 31,
            "owner": f"o{number % 5}",
            **({"closed": True} if number % 7 == 6 else {}),
        }
        for number in range(40)
    )


def go(here: Stage, now: datetime | None, say: log.Log = log.silent, **more: Any) -> Document:
    host, port = next(iter(here.source.client.nodes))
    uri = f"mongodb://{host}:{port}/{here.source.name}?directConnection=true"
    setup = here.setup(say, DASHPIPE_SOURCE_URI=uri)
    try:
        return shop.go(setup, now=now, **{"subject": SUBJECT, **more})
    finally:
        setup.connections.close()


def counted(here: Stage) -> dict[str, tuple[int, int, int, float, float]]:
    """What the source holds now, by plan, counted by hand."""
    found: dict[str, list[Document]] = defaultdict(list)
    for one in here.source["accounts"].find():
        if one.get("closed") is None:
            found[one["plan"] or "\\N"].append(one)
    every = sum(map(len, found.values()))
    rows = {}
    for plan, some in found.items():
        values = sorted(one["balance"] for one in some)
        middle = (values[(len(values) - 1) // 2] + values[len(values) // 2]) / 2
        owners = len(Counter(one["owner"] for one in some))
        rows[plan] = (len(some), sum(values), owners, middle, len(some) / every)
    return rows


def shown(here: Stage, grain: str = "") -> dict[str, dict[str, tuple[int, int, int, float, float]]]:
    """The stored rows, by partition and plan."""
    found: dict[str, dict[str, Any]] = defaultdict(dict)
    for one in here.target[f"dash_accounts{grain}"].find():
        label, _, plan = one["_id"].partition("|")
        values = (one["accounts"], one["balance"], one["owners"], one["middle"], one["share"])
        found[label][plan] = values
        assert not one["complete"]
    return dict(found)


def test_each_day_is_what_there_was(either: tuple[Stage, str]) -> None:
    """A day keeps what its last run saw; a week and a month are the newest snapshot in them."""
    here, route = either
    go(here, FRIDAY)
    friday = counted(here)
    here.source["accounts"].update_many({"plan": "free"}, {"$inc": {"balance": 5}})
    here.source["accounts"].delete_many({"_id": {"$lt": 6}})
    done = go(here, SATURDAY)
    saturday = counted(here)
    assert done["steps"]["transform"]["routes"] == {"accounts": route}
    here.source["accounts"].insert_one({"_id": 900, "plan": "new", "balance": 3, "owner": "o9"})
    go(here, MONDAY)
    monday = counted(here)
    assert friday != saturday != monday
    assert shown(here) == {"2024-03-08": friday, "2024-03-09": saturday, "2024-03-11": monday}
    assert shown(here, "_week") == {"2024-03-04": saturday, "2024-03-11": monday}
    assert shown(here, "_month") == {"2024-03-01": monday}


def test_a_second_run_of_a_day_takes_its_place(here: Stage) -> None:
    """Of several runs of a day the last counts; who is gone by then has no row."""
    go(here, FRIDAY.replace(hour=1))
    here.source["accounts"].delete_many({"plan": "paid"})
    go(here, FRIDAY)
    assert shown(here) == {"2024-03-08": counted(here)}
    assert set(counted(here)) == {"free", "\\N"}


def test_days_that_are_over_are_refused(here: Stage) -> None:
    """A backfill of the past writes nothing, and says why."""
    go(here, FRIDAY)
    before = shown(here)
    here.source["accounts"].delete_many({})
    for asked in (
        {"start": date(2024, 3, 6), "end": date(2024, 3, 9)},
        {"kind": "backfill", "interval_end": shop.at("2024-03-09T00:00")},
        {"kind": "manual", "logical_date": shop.at("2024-03-08T10:00")},
    ):
        with pytest.raises(Refused, match="the days up to 2024-03-08 are over, and a snapshot of the past"):
            go(here, SATURDAY, **asked)
    assert shown(here) == before


def test_what_is_over_of_a_range_is_left_out(here: Stage) -> None:
    """Of named days the one of the run is written; the receipt and the log count the others."""
    said: list[Document] = []

    def say(event: str, level: int = 20, **fields: Any) -> None:
        said.append({"event": event, **fields})

    done = go(here, SATURDAY, say, start=date(2024, 3, 6), end=date(2024, 3, 10))
    assert set(shown(here)) == {"2024-03-09"}
    assert done["steps"]["extract_accounts"]["left_out"] == {"day": 3}
    (told,) = (one for one in said if one["event"] == "left out" and "day" in one)
    assert told["day"] == 3
    assert "snapshot" in told["why"]


def test_nothing_is_caught_up(here: Stage) -> None:
    """A scheduled run whose interval ended at midnight takes the new day; the days between stay missing."""
    go(here, FRIDAY)
    before = shown(here)["2024-03-08"]
    here.source["accounts"].delete_many({"plan": "free"})
    done = go(here, MONDAY, kind="scheduled", interval_end=shop.at("2024-03-11T00:00"))
    assert shown(here) == {"2024-03-08": before, "2024-03-11": counted(here)}
    assert "left_out" not in done["steps"]["extract_accounts"]
    days = status.find(here.target, SUBJECT).grains[Grain.DAY]
    assert [(one.state, one.first, one.count, one.reason) for one in days[:4]] == [
        ("missing", "2024-03-01", 7, "no snapshot was taken"),
        ("published", "2024-03-08", 1, ""),
        ("missing", "2024-03-09", 2, "no snapshot was taken"),
        ("published", "2024-03-11", 1, ""),
    ]


def test_before_the_start_nothing_is_written(here: Stage) -> None:
    """A run before the subject's start has no partition to write."""
    go(here, FRIDAY, subject=replace(SUBJECT, start="2024-03-20", grains=(Grain.DAY,)))
    assert shown(here) == {}


def test_the_hour_of_the_run(here: Stage) -> None:
    """At grain hour a snapshot is of the hour that the run is in."""
    subject = replace(SUBJECT, grains=(Grain.HOUR, Grain.DAY))
    go(here, FRIDAY, subject=subject)
    assert shown(here, "_hour") == {"2024-03-08T23+0800": counted(here)}
    assert shown(here) == {"2024-03-08": counted(here)}

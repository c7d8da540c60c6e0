"""The examples of the page on calendars, run over one order a local day and a few beside midnight."""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from bson.decimal128 import Decimal128

from tests.docs.test_specs import dashpipe, project

PAGE = "docs/calendars.md"


@pytest.fixture
def page(database, mongo_uri, tmp_path):
    """The page as a project: its folder, and its connections."""
    base, _, options = mongo_uri.partition("?")
    uri = f"{base.rstrip('/')}/{database.name}?{options}"
    uris = {"DASHPIPE_SOURCE_URI": uri, "DASHPIPE_TARGET_URI": uri}
    return project(tmp_path / "project", PAGE), uris


def fill(database, zone, first, last):
    """Two orders a local day, one of them in its last second."""
    days = [first + timedelta(days=at) for at in range((last - first).days)]
    clocks = (time(8, 30), time(23, 59, 59))
    local = [datetime.combine(day, clock, ZoneInfo(zone)) for day in days for clock in clocks]
    database["orders"].insert_many(
        [
            {
                "paid_at": one.astimezone(timezone.utc),
                "country": "GB",
                "total": Decimal128("1.10"),
            }
            for one in local
        ]
    )
    database["orders"].create_index("paid_at")
    return days


def run(page, name, first, last):
    """Run a subject of the page over some days."""
    folder, uris = page
    window = ("--from", first.isoformat(), "--to", last.isoformat(), "--format", "json")
    code, _, err = dashpipe(folder, "run", f"metrics/shop/{name}.yml", *window, **uris)
    assert code == 0, err


def test_iso_weeks(page, database):
    """The last week of 2020 is number 53 of 2020, also on its three days in 2021."""
    first, last = date(2020, 12, 28), date(2021, 1, 11)
    fill(database, "Europe/London", first, last)
    run(page, "weekly", first, last)
    rows = {one["partition_date"]: one for one in database["shop_weekly_week"].find()}
    assert {key: (one["iso_year"], one["iso_week"], one["orders"]) for key, one in rows.items()} == {
        "2020-12-28": (2020, 53, 14),
        "2021-01-04": (2021, 1, 14),
    }


@pytest.mark.slow  # long on the Python build; .ci/run has it on the native one
def test_a_year_from_july(page, database):
    """Revenue of the quarters and years that begin in July, as the days say."""
    first, last = date(2024, 4, 1), date(2024, 10, 1)
    fill(database, "Europe/London", first, last)
    run(page, "fiscal", first, last)
    for grain, wanted in (
        ("fiscal_quarter", {"2024-04-01": "200.20", "2024-07-01": "202.40"}),
        ("fiscal_year", {"2023-07-01": "200.20", "2024-07-01": "202.40"}),
    ):
        rows = {
            one["partition_date"]: one["revenue"].to_decimal()
            for one in database[f"shop_fiscal_{grain}"].find()
        }
        assert rows == {key: Decimal(value) for key, value in wanted.items()}


@pytest.mark.slow  # long on the Python build; .ci/run has it on the native one
def test_a_retail_year(page, database):
    """The months around the 53rd week of the retail year 2023, of four, five and five weeks."""
    first, last = date(2023, 10, 29), date(2024, 3, 3)
    days = fill(database, "America/New_York", first, last)
    run(page, "retail", first, last)
    starts = ["2023-10-29", "2023-11-26", "2023-12-31", "2024-02-04"]
    wanted = Counter(max(one for one in starts if one <= day.isoformat()) for day in days for _ in range(2))
    rows = {one["partition_date"]: one["orders"] for one in database["shop_retail_fiscal_month"].find()}
    assert rows == wanted == {"2023-10-29": 56, "2023-11-26": 70, "2023-12-31": 70, "2024-02-04": 56}
    assert {one["orders"] for one in database["shop_retail_week"].find()} == {14}


@pytest.mark.slow  # long on the Python build; .ci/run has it on the native one
def test_a_day_meets_its_day_of_the_retail_year_before(page, database):
    """A Sunday is held against a Sunday of the same retail week, and the year runs up from its first day."""
    first, last = date(2025, 2, 2), date(2025, 2, 9)
    fill(database, "America/New_York", first, last)
    before = datetime(2024, 2, 4, 12, tzinfo=ZoneInfo("America/New_York")).astimezone(timezone.utc)
    database["orders"].insert_one({"paid_at": before, "country": "GB"})
    run(page, "retail_growth", date(2024, 2, 4), date(2024, 2, 11))
    run(page, "retail_growth", first, last)
    rows = {one["_id"]: one for one in database["shop_retail_growth"].find()}
    assert [
        (one["orders"], one["orders_ytd"], one["growth"])
        for one in map(rows.get, ("2025-02-02", "2025-02-03"))
    ] == [
        (2, 2, 1),
        (2, 4, 2),
    ]
    (month,) = database["shop_retail_growth_fiscal_month"].find({"partition_date": "2025-02-02"})
    assert (month["orders"], month["orders_ytd"], month["growth"]) == (14, 14, 13)


def test_a_run_beyond_the_calendar_names_its_last_day(page):
    """A run after the last day of the calendar says which it is, and what to do."""
    folder, uris = page
    code, _, err = dashpipe(folder, "run", "metrics/shop/retail.yml", "--now", "2035-02-05T12:00:00Z", **uris)
    assert code == 2
    assert "2035-02-04 is outside of the calendar retail: it runs from 2023-01-29 to 2035-02-03" in err
    assert "add the years that are missing to the calendar file" in err

"""The updated scan: changed documents make old partitions stale, and the run computes them again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta, timezone
from typing import Any

import pytest
from pymongo import MongoClient

from dashpipe.run import execute, state
from dashpipe.spec.model import Grain
from tests.run import shop, stage
from tests.run.stage import Stage

Document = dict[str, Any]

LATER = shop.NOW + timedelta(hours=2)
DAYS = [shop.FIRST + number * shop.DAY for number in range(20)]


@pytest.fixture
def here(mongo: MongoClient[Document], mongo_uri: str) -> Iterator[Stage]:
    """A shop whose rows are published as of NOW."""
    with stage.open_stage(mongo, mongo_uri) as one:
        one.go("dag/first")
        yield one


def touch(here: Stage, day: str, when: datetime = shop.NOW + timedelta(hours=1), **change: Any) -> Document:
    """Change an order of a day, so that its time of change tells."""
    span = {"$gte": shop.at(f"{day}T00:00"), "$lt": shop.at(f"{day}T00:00") + shop.DAY}
    found = here.source["orders"].find_one_and_update(
        {"at": span, "status": "paid"}, {"$set": {"changed_at": when, **change}}
    )
    assert found is not None
    return found


def stale(here: Stage) -> set[tuple[str, str]]:
    found = here.target[state.PARTITIONS].find({"state": "stale"})
    return {(one["grain"], one["label"]) for one in found}


def test_an_old_day_that_changed_is_computed_again(here: Stage) -> None:
    """Beyond the lookback, a changed order brings its day, week and month; other days are left alone."""
    touch(here, "2024-02-22", amount=500)
    done = here.go("dag/next", now=LATER)
    assert done["steps"]["extract_orders"]["stale"] == 3
    assert done["steps"]["extract_orders"]["updated_since"] == "2024-03-10T04:20:00Z"
    assert done["steps"]["publish"]["partitions"] == {"day": 4, "week": 2, "month": 2}
    assert shop.public(here.rows()) == shop.counted(here.source, DAYS, LATER)
    assert stale(here) == set()


def test_a_document_that_no_longer_passes_where_leaves_its_day(here: Stage) -> None:
    """The scan ignores `where`: an order that is not paid any more makes its day stale."""
    touch(here, "2024-02-22", status="open")
    here.go("dag/next", now=LATER)
    assert shop.public(here.rows()) == shop.counted(here.source, DAYS, LATER)


def test_a_run_by_name_marks_and_leaves_it_to_the_next(here: Stage) -> None:
    """A run of given days computes only these; what it found changed is computed by the next run."""
    touch(here, "2024-02-22", amount=500)
    day: Document = {"start": date(2024, 3, 1), "end": date(2024, 3, 2)}
    done = here.go("command/named", now=LATER, **day)
    assert done["steps"]["publish"]["partitions"] == {"day": 1, "week": 1, "month": 1}
    assert stale(here) == {("day", "2024-02-22"), ("week", "2024-02-19"), ("month", "2024-02-01")}
    done = here.go("dag/next", now=LATER + timedelta(minutes=1))
    assert "stale" in done["steps"]["extract_orders"]
    assert stale(here) == set()
    assert shop.public(here.rows()) == shop.counted(here.source, DAYS, LATER + timedelta(minutes=1))


def test_a_run_that_did_not_publish_moves_no_watermark(here: Stage) -> None:
    """What a run saw and did not publish, the next one finds again."""
    touch(here, "2024-02-22", amount=500)
    asked = shop.request("dag/broken", now=LATER)
    for source in ("orders", "visits"):
        execute("extract", asked, here.setup(), source)
    execute("cleanup", asked, here.setup())
    assert len(stale(here)) == 3
    done = here.go("dag/next", now=LATER)
    assert done["steps"]["publish"]["partitions"]["day"] == 4
    assert shop.public(here.rows()) == shop.counted(here.source, DAYS, LATER)
    about = here.target[state.TARGETS].find_one({"_id": shop.SUBJECT.id}) or {}
    assert about["watermarks"]["orders"] == LATER


def test_a_change_shortly_before_the_last_run_is_read_again(here: Stage) -> None:
    """Clocks lag: what changed up to ten minutes before the last run may have come after it."""
    touch(here, "2024-02-22", shop.NOW - timedelta(minutes=9), amount=500)
    touch(here, "2024-02-23", shop.NOW - timedelta(minutes=11), amount=500)
    done = here.go("dag/next", now=LATER)
    assert done["steps"]["publish"]["partitions"]["day"] == 4
    record = here.target[state.RUNS].find_one({"_id": "dag/next"}) or {}
    assert sorted(record["partitions"]["day"]) == ["2024-02-22", "2024-03-08", "2024-03-09", "2024-03-10"]


def test_a_key_that_is_added_later_begins_with_the_oldest_partition(here: Stage) -> None:
    """Without a watermark changes are read from when the oldest published partition was computed."""
    here.target[state.TARGETS].update_one({"_id": shop.SUBJECT.id}, {"$unset": {"watermarks": ""}})
    touch(here, "2024-02-22", amount=500)
    done = here.go("dag/next", now=LATER)
    assert done["steps"]["extract_orders"]["stale"] == 3
    assert shop.public(here.rows()) == shop.counted(here.source, DAYS, LATER)


def test_a_run_ahead_of_its_time_has_not_seen_what_changes_till_then(here: Stage) -> None:
    """With `--now` in the future, changes after the run really read are still found."""
    future = datetime.now(timezone.utc) + timedelta(days=400)
    day: Document = {"start": date(2024, 2, 22), "end": date(2024, 2, 23)}
    here.go("command/ahead", now=future, **day)
    touch(here, "2024-02-22", datetime.now(timezone.utc), amount=500)
    asked = shop.request("command/named", now=future + timedelta(days=1), **day)
    execute("extract", asked, here.setup(), "orders")
    assert ("day", "2024-02-22") in stale(here)


def test_hours_turn_stale_one_by_one(mongo: MongoClient[Document], mongo_uri: str) -> None:
    """At grain hour only the hour of the changed order is computed again, with the day that holds it."""
    subject = replace(shop.SUBJECT, grains=(Grain.HOUR, Grain.DAY))
    with stage.open_stage(mongo, mongo_uri) as here:
        here.go("dag/first", subject=subject, start=date(2024, 2, 22), end=date(2024, 2, 23))
        changed = touch(here, "2024-02-22", amount=500)
        asked = shop.request("dag/next", subject, LATER, start=date(2024, 3, 1), end=date(2024, 3, 2))
        execute("extract", asked, here.setup(), "orders")
        hour = changed["at"].astimezone(shop.ZONE).strftime("%Y-%m-%dT%H%z")
        assert stale(here) == {("hour", hour), ("day", "2024-02-22")}


def test_a_source_without_the_key_is_not_scanned(here: Stage) -> None:
    """Visits have no `updated`: their receipt says nothing of it."""
    receipt = execute("extract", shop.request(now=LATER), here.setup(), "visits")
    assert "stale" not in receipt

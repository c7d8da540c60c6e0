"""The ledger: what is due, what upstream changed, and marks that only the holder of the lease can set."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from pymongo.database import Database

from dashpipe.compile import partition
from dashpipe.run import lease, ledger, log, state
from dashpipe.run.base import Session
from dashpipe.run.errors import LeaseLost
from dashpipe.spec.model import Calendar, Grain, Subject
from tests.run import shop

Document = dict[str, Any]

DAILY = replace(shop.SUBJECT, grains=(Grain.DAY,), start="2024-01-01", catch_up_days=5)
HASH = "d" * 64


def put(database: Database[Document], label: str, subject: Subject = DAILY, **fields: Any) -> None:
    grain = fields.pop("grain", Grain.DAY)
    start, end = partition.bounds(grain, label, subject.calendar)
    row = {
        "_id": ledger.row_id(subject.id, grain, label),
        "subject": subject.id,
        "grain": grain.value,
        "label": label,
        "start": start,
        "end": end,
        "state": "published",
        "complete": True,
        "spec_hash": HASH,
        **fields,
    }
    database[state.PARTITIONS].insert_one(row)


def due(
    database: Database[Document], now: str = "2024-03-10T12:30", subject: Subject = DAILY
) -> tuple[str, ...]:
    return ledger.due(database, subject, shop.at(now), HASH)[Grain.DAY]


def session(database: Database[Document], uri: str, run: str = "dag/run") -> Session:
    """A session of a step that holds the lease."""
    setup = shop.make_setup(uri, database.name, database.name)
    target = setup.connections.database("target")
    held = lease.enter(target, DAILY.id, run, "transform", fenced=True, log=log.silent)
    return Session(setup, shop.request(run, DAILY), held)


def test_what_was_never_computed_is_due(database: Database[Document]) -> None:
    """Without a ledger every partition that ended in the last days is due: five days, and not today."""
    assert due(database) == ("2024-03-05", "2024-03-06", "2024-03-07", "2024-03-08", "2024-03-09")


def test_a_state_decides_whether_a_partition_is_due(database: Database[Document]) -> None:
    """Stale, loaded and incomplete ones are due; published ones not; failed ones once the spec changed."""
    put(database, "2024-03-05", state="stale")
    put(database, "2024-03-06", state="loaded")
    put(database, "2024-03-07", complete=False)
    put(database, "2024-03-08")
    put(database, "2024-03-09", state="failed")
    assert due(database) == ("2024-03-05", "2024-03-06", "2024-03-07")
    assert ledger.due(database, DAILY, shop.at("2024-03-10T12:30"), "e" * 64)[Grain.DAY][-1] == "2024-03-09"


def test_what_is_older_waits_for_a_backfill(database: Database[Document]) -> None:
    """Missing and stale partitions of long ago are left alone, those that a run left half-way are not."""
    put(database, "2024-02-01", state="stale")
    put(database, "2024-02-02", state="loaded")
    for day in range(5, 10):
        put(database, f"2024-03-{day:02d}")
    assert due(database) == ("2024-02-02",)


def test_a_day_is_due_from_its_end_on(database: Database[Document]) -> None:
    """The instant at which a day ends it may be caught up; one that ended too long ago may not."""
    assert due(database, "2024-03-10T00:00")[-1] == "2024-03-09"
    assert due(database, "2024-03-09T23:59")[-1] == "2024-03-08"
    assert due(database, "2024-03-10T00:00")[0] == "2024-03-04"
    assert due(database, "2024-03-10T00:01")[0] == "2024-03-05"


def test_nothing_before_start_is_due(database: Database[Document]) -> None:
    """The first partition is the one that holds `start`."""
    assert due(database, subject=replace(DAILY, start="2024-03-08")) == ("2024-03-08", "2024-03-09")


def test_what_upstream_published_is_told_by_its_finest_grain(database: Database[Document]) -> None:
    """A month that is published with each run does not make all of its days news."""
    then = shop.at("2024-03-10T00:00")
    for label, hours in (("2024-03-07", -1), ("2024-03-08", 1), ("2024-03-09", 2)):
        put(database, label, published_at=then + timedelta(hours=hours))
    put(database, "2024-03-01", grain=Grain.MONTH, published_at=then + timedelta(hours=2))
    put(database, "2024-03-06", state="stale", published_at=then + timedelta(hours=2))
    spans = ledger.changed(database, [DAILY.id], then)
    assert sorted(spans) == [
        partition.bounds(Grain.DAY, f"2024-03-0{day}", Calendar(shop.TZ)) for day in (8, 9)
    ]
    assert len(ledger.changed(database, [DAILY.id], None)) == 3
    assert ledger.changed(database, ["another_one_here_v1"], None) == []


def test_only_what_was_judged_turns_stale(database: Database[Document], mongo_uri: str) -> None:
    """Published and failed partitions turn stale; missing and half-loaded ones are due anyhow."""
    then = shop.at("2024-03-10T00:00")
    put(database, "2024-03-05", read_at=then)
    put(database, "2024-03-06", state="failed", read_at=then)
    put(database, "2024-03-07", state="loaded", read_at=then)
    touched = {Grain.DAY: dict.fromkeys(("2024-03-04", "2024-03-05", "2024-03-06", "2024-03-07"), then)}
    assert ledger.mark_stale(session(database, mongo_uri), touched, timedelta(0), "changed") == 2
    states = {one["label"]: one["state"] for one in database[state.PARTITIONS].find()}
    assert states == {"2024-03-05": "stale", "2024-03-06": "stale", "2024-03-07": "loaded"}


def test_a_change_before_a_partition_was_computed_is_in_it(
    database: Database[Document], mongo_uri: str
) -> None:
    """Only what changed after a partition was read, less the margin, makes it stale."""
    then, margin = shop.at("2024-03-10T00:00"), timedelta(minutes=10)
    for day, minutes in ((5, 10), (6, 11)):
        put(database, f"2024-03-{day:02d}", read_at=then + timedelta(minutes=minutes))
    touched = {Grain.DAY: {"2024-03-05": then, "2024-03-06": then}}
    assert ledger.mark_stale(session(database, mongo_uri), touched, margin, "changed") == 1
    states = {one["label"]: one["state"] for one in database[state.PARTITIONS].find()}
    assert states == {"2024-03-05": "stale", "2024-03-06": "published"}


def test_who_lost_the_lease_marks_nothing(database: Database[Document], mongo_uri: str) -> None:
    """A session whose lease went to another run cannot change the ledger."""
    put(database, "2024-03-05", read_at=shop.at("2024-03-06T00:00"))
    old = session(database, mongo_uri, "dag/old")
    shop.expire(database, DAILY.id)
    session(database, mongo_uri, "dag/new")
    with pytest.raises(LeaseLost, match="no longer held by dag/old"):
        ledger.mark_stale(old, {Grain.DAY: {"2024-03-05": shop.NOW}}, timedelta(0), "changed")
    assert [one["state"] for one in database[state.PARTITIONS].find()] == ["published"]


def test_published_partitions_are_found_by_label(database: Database[Document]) -> None:
    """Of some labels those that are published are told, each with its row."""
    put(database, "2024-03-05", leaves={"orders": ["sum_1"]})
    put(database, "2024-03-06", state="stale")
    found = ledger.published(database, DAILY.id, Grain.DAY, ["2024-03-04", "2024-03-05", "2024-03-06"])
    assert {label: row["leaves"] for label, row in found.items()} == {"2024-03-05": {"orders": ["sum_1"]}}

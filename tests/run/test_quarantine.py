"""Quarantine in whole runs: what is left out and listed, and read again once it is mended."""

from __future__ import annotations

import signal
import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from bson import ObjectId
from pymongo import MongoClient

from dashpipe.run import quarantine, state, takeover
from dashpipe.spec.model import Field, Grain, Subject, Time
from tests.conftest import PROFILE
from tests.run import shop, stage, victim
from tests.run.stage import Stage
from tests.run.test_kill import time_passes

Document = dict[str, Any]

LATER = shop.NOW + timedelta(hours=2)
DAYS = [shop.FIRST + number * shop.DAY for number in range(20)]
OLD = "2024-02-22"  # far beyond the lookback of two days
NEW = "2024-03-09"


def strict(how: str = "quarantine", **more: Any) -> Subject:
    """The shop without its time of change: only the list tells what to read again."""
    orders, visits = shop.SUBJECT.sources
    fields = (*(one for one in orders.fields if one.path != "amount"), Field("amount", "integer", how))
    return replace(
        shop.SUBJECT, sources=(replace(orders, fields=fields, updated=None, **more), visits), checks=()
    )


SUBJECT = strict()
#: Where it is of no matter which grains there are.
DAILY = replace(SUBJECT, grains=(Grain.DAY,))


@pytest.fixture
def here(mongo: MongoClient[Document], mongo_uri: str) -> Iterator[Stage]:
    with stage.open_stage(mongo, mongo_uri) as one:
        yield one


def orders(here: Stage, day: str) -> list[Document]:
    """The paid orders of a day."""
    span = {"$gte": shop.at(f"{day}T00:00"), "$lt": shop.at(f"{day}T00:00") + shop.DAY}
    return list(here.source["orders"].find({"at": span, "status": "paid"}).sort("_id"))


def spoil(here: Stage, day: str, amount: Any = "12", at: int = 0) -> Any:
    """Put something else where an order's amount was; say which order it is."""
    number = orders(here, day)[at]["_id"]
    here.source["orders"].update_one({"_id": number}, {"$set": {"amount": amount}})
    return number


def mend(here: Stage, number: Any, amount: int = 500) -> None:
    here.source["orders"].update_one({"_id": number}, {"$set": {"amount": amount}})


def truth(here: Stage, daily: bool = False) -> dict[str, Document]:
    """The rows as counted by hand over the documents that are not wrong."""
    name = f"{here.source.name}_good"
    shop.copy(here.client, here.source.name, name)
    try:
        good = here.client[name]["orders"]
        found = [one["_id"] for one in good.find() if not _fits(one["amount"])]
        good.delete_many({"_id": {"$in": found}})
        rows = shop.counted(here.client[name], DAYS, LATER)
        return {key: row for key, row in rows.items() if not daily or row["grain"] == "day"}
    finally:
        here.client.drop_database(name)


def _fits(amount: Any) -> bool:
    return amount is None or (isinstance(amount, int) and not isinstance(amount, bool))


def listed(here: Stage) -> dict[Any, str]:
    """The documents in quarantine, each with why."""
    return {one["document"]: one["reason"] for one in here.target[state.QUARANTINE].find()}


def go(here: Stage, run_id: str = "", **more: Any) -> Document:
    done: Document = here.go(run_id, **{"subject": SUBJECT, "now": LATER, **more})
    return done


def test_a_wrong_document_is_left_out_listed_and_counted(here: Stage) -> None:
    """It is in no metric of its source, its row neither; the list says which it is and why, and no value."""
    lonely = shop.order(900, shop.at(f"{NEW}T10:00"), shop="lonely", amount="secret", status="paid")
    here.source["orders"].insert_one(lonely)
    first, second = spoil(here, OLD, float("nan")), spoil(here, NEW, [12])
    done = go(here, "dag/1", start=shop.FIRST, end=shop.NOW.date() + shop.DAY)
    assert shop.public(here.rows()) == truth(here)
    assert not any(row["shop"] == "lonely" for row in here.rows().values())
    assert listed(here) == {
        first: "`amount` is NaN or infinite, not integer",
        second: "`amount` is array, not integer",
        900: "`amount` is string, not integer",
    }
    receipt = done["steps"]["extract_orders"]
    assert (receipt["quarantined"], receipt["mistyped"]) == (3, {"amount": 3})
    one = here.target[state.QUARANTINE].find_one({"document": 900}) or {}
    assert "secret" not in str(one)
    assert (one["subject"], one["source"], one["partition"]) == (SUBJECT.id, "orders", NEW)
    assert one["time"] == shop.at(f"{NEW}T10:00")
    assert one["fields"] == [{"field": "amount", "found": "string", "type": "integer"}]
    assert (one["first_run"], one["last_run"]) == ("dag/1", "dag/1")


def test_the_list_is_of_one_entry_a_document(here: Stage) -> None:
    """Seen again, an entry keeps when it was first seen; what else is wrong by then is told."""
    number = spoil(here, NEW)
    go(here, "dag/1")
    before = here.target[state.QUARANTINE].find_one() or {}
    mend(here, number, amount=True)  # of another wrong type
    go(here, "dag/2")
    (after,) = here.target[state.QUARANTINE].find()
    assert (after["_id"], after["first_seen"], after["first_run"]) == (
        before["_id"],
        before["first_seen"],
        "dag/1",
    )
    assert after["last_seen"] > before["last_seen"]
    assert (after["reason"], after["last_run"]) == ("`amount` is bool, not integer", "dag/2")


def test_what_is_mended_in_an_old_day_is_read_again(here: Stage) -> None:
    """Without any time of change: the next run adds its day, week and month, and the entry is gone."""
    number = spoil(here, OLD)
    go(here, start=shop.FIRST, end=shop.NOW.date() + shop.DAY)
    assert go(here)["steps"]["publish"]["partitions"]["day"] == 3
    mend(here, number)
    done = go(here)
    assert done["steps"]["extract_orders"]["mended"] == {"released": 1, "stale": 3, "added": 3}
    assert done["steps"]["publish"]["partitions"]["day"] == 4
    assert listed(here) == {}
    assert shop.public(here.rows()) == truth(here)
    assert {one["state"] for one in here.target[state.PARTITIONS].find()} == {"published"}


def test_a_run_by_name_leaves_other_days_stale(here: Stage) -> None:
    """A mended day that the run was not asked for waits, as stale, for the next run that catches up."""
    number = spoil(here, OLD)
    go(here, start=shop.FIRST, end=shop.NOW.date() + shop.DAY)
    mend(here, number)
    go(here, start=DAYS[12], end=DAYS[13])
    found = here.target[state.PARTITIONS].find({"state": "stale"})
    assert {(one["grain"], one["label"]) for one in found} >= {("day", OLD), ("month", "2024-02-01")}
    assert listed(here) == {}
    go(here)
    assert shop.public(here.rows()) == truth(here)


def test_what_moved_is_listed_where_it_is_now_and_what_is_gone_is_not(here: Stage) -> None:
    """A wrong document may get another time, be deleted, or lose its wrong field: the list follows."""
    moved, gone, unset = (spoil(here, OLD, at=at) for at in range(3))
    go(here, start=shop.FIRST, end=shop.NOW.date() + shop.DAY)
    assert set(listed(here)) == {moved, gone, unset}
    source = here.source["orders"]
    source.update_one({"_id": moved}, {"$set": {"at": shop.at("2024-02-25T09:00")}})
    source.delete_one({"_id": gone})
    source.update_one({"_id": unset}, {"$unset": {"amount": ""}})
    go(here)
    (entry,) = here.target[state.QUARANTINE].find()
    assert (entry["document"], entry["partition"]) == (moved, "2024-02-25")
    rows = here.source["orders"].find_one({"_id": unset}) or {}
    here.source["orders"].update_one({"_id": unset}, {"$set": {"amount": None}})  # for the hand's count
    assert "amount" not in rows
    assert shop.public(here.rows()) == truth(here)


def test_a_spec_that_takes_them_again_reads_them_again(here: Stage) -> None:
    """Where the field says `nullify` from now on, its documents come back in, and the list is empty."""
    spoil(here, OLD)
    go(here, subject=DAILY, start=shop.FIRST, end=shop.NOW.date() + shop.DAY)
    before = len(here.rows())
    done = go(here, subject=replace(strict("nullify"), grains=(Grain.DAY,)))
    assert done["steps"]["extract_orders"]["mended"]["released"] == 1
    assert listed(here) == {}
    here.source["orders"].update_many({"amount": {"$type": "string"}}, {"$set": {"amount": None}})
    assert shop.public(here.rows()) == truth(here, daily=True)
    assert len(here.rows()) >= before


@pytest.mark.slow  # long on the Python build; .ci/run has it on the native one
def test_any_split_ends_in_the_same_rows_and_the_same_list(here: Stage) -> None:
    """Four days at a time and backwards is as good as at once."""
    for at, day in enumerate((OLD, "2024-03-01", "2024-03-02", NEW)):
        spoil(here, day, ["x", float("inf"), 2.5, ObjectId()][at], at % 3)
    with here.copied() as other:
        go(here, start=shop.FIRST, end=shop.NOW.date() + shop.DAY)
        for at in range(16, -1, -4):
            go(other, start=DAYS[at], end=DAYS[at] + 4 * shop.DAY)
        go(other)
        assert other.rows() == here.rows()
        assert listed(other) == listed(here)
        assert len(listed(here)) == 4
    assert shop.public(here.rows()) == truth(here)


def test_across_clusters_too(here: Stage, second_uri: str) -> None:
    """On the cursor route, from another cluster, the same documents are left out and listed."""
    spoil(here, NEW)
    name = f"test_{uuid.uuid4().hex[:12]}"
    far: MongoClient[Document] = MongoClient(second_uri, tz_aware=True)
    try:
        for one in ("orders", "visits"):
            far[name][one].insert_many(here.source[one].find())
        with here.copied() as other:
            uri = shop._with_database(second_uri, name)
            setup = other.setup(DASHPIPE_SOURCE_URI=uri)
            whole: Document = {"start": shop.FIRST, "end": shop.NOW.date() + shop.DAY}
            done = shop.go(setup, subject=SUBJECT, now=LATER, **whole)
            setup.connections.close()
            assert set(done["steps"]["transform"]["routes"].values()) == {"cursor"}
            go(here, **whole)
            assert other.rows() == here.rows()
            assert listed(other) == listed(here) != {}
    finally:
        far.drop_database(name)
        far.close()


def test_the_last_good_version_counts(here: Stage) -> None:
    """With `unique`, a wrong newer version leaves the field to the older one, until it is mended."""
    subject = replace(strict(unique=("buyer",)), grains=(Grain.DAY,))
    moment = shop.at(f"{NEW}T10:00")
    here.source["orders"].delete_many({})
    here.source["orders"].insert_many(
        [
            shop.order(1, moment, amount=10, buyer="b", status="paid", shop="north"),
            shop.order(2, moment + timedelta(hours=1), amount="20", buyer="b", status="paid", shop="north"),
        ]
    )
    go(here, subject=subject)
    assert here.rows()[f"dash_daily:{NEW}|north"]["amount"] == 10
    mend(here, 2, amount=20)
    go(here, subject=subject)
    assert here.rows()[f"dash_daily:{NEW}|north"]["amount"] == 20


@pytest.mark.slow  # long on the Python build; .ci/run has it on the native one
def test_very_many_are_read_again_in_turn(here: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run looks at a bounded number of old entries, the longest unseen first: each has its turn."""
    monkeypatch.setattr(quarantine, "_AGAIN", 2)
    numbers = [spoil(here, day) for day in (OLD, "2024-02-24", "2024-02-26")]
    go(here, subject=DAILY, start=shop.FIRST, end=shop.NOW.date() + shop.DAY)
    said: list[str] = []
    for _ in range(2):
        setup = here.setup(lambda event, /, **fields: said.append(fields.get("text", "")))
        shop.go(setup, subject=DAILY, now=LATER)
        setup.connections.close()
    assert "orders has more than 2 documents in quarantine: the others are read again later" in said
    for number in numbers:
        mend(here, number)
    go(here, subject=DAILY)
    assert len(listed(here)) == 1
    go(here, subject=DAILY)
    assert listed(here) == {}
    assert shop.public(here.rows()) == truth(here, daily=True)


@pytest.mark.slow  # many runs and processes; `make test` kills plain runs
def test_a_run_killed_while_it_lists_and_releases_is_made_good(
    here: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Kill −9 before each write of extract: the next run has the right rows, and the right list."""
    monkeypatch.setattr(takeover, "LONGEST_WRITE", 0.2)
    mended, kept = spoil(here, OLD), spoil(here, OLD, at=1)
    go(here, "dag/before", subject=DAILY, start=shop.FIRST, end=shop.NOW.date() + shop.DAY)
    mend(here, mended)
    fresh = spoil(here, NEW)
    wanted = truth(here, daily=True)
    for number in range(12, 34, 1 if PROFILE != "quick" else 7):
        with here.copied() as other:
            asked = {"run_id": "dag/victim", "now": LATER, "subject": DAILY}
            names = (other.uri, other.source.name, other.target.name)
            process, _ = victim.start(*names, number, signal.SIGKILL, **asked)
            process.join()
            assert process.exitcode == -signal.SIGKILL
            time_passes(other)
            go(other, "dag/after", subject=DAILY)
            assert shop.public(other.rows()) == wanted, number
            assert set(listed(other)) == {kept, fresh}, number


def test_a_snapshot_lists_what_is_wrong_in_it(here: Stage) -> None:
    """Read as it stands, mended documents come in with the next snapshot; what is over stays as it was."""
    source = replace(
        SUBJECT.sources[0], time=Time("_id", "snapshot"), snapshot=True, where=None, updated=None
    )
    count, amount = SUBJECT.metrics[:2]
    subject = replace(DAILY, sources=(source,), metrics=(count, amount), dimensions=(), lookback=None)
    here.source["orders"].delete_many({})
    here.source["orders"].insert_many([{"_id": 1, "amount": 10}, {"_id": 2, "amount": "20"}, {"_id": 3}])
    asked: Document = {"subject": subject, "now": shop.NOW}
    assert go(here, **asked)["steps"]["extract_orders"]["quarantined"] == 1
    row = here.target["dash_daily"].find_one({"_id": "2024-03-10"}) or {}
    assert (row["orders"], row["amount"]) == (2, 10)
    (entry,) = here.target[state.QUARANTINE].find()
    assert (entry["document"], entry["partition"], entry["time"]) == (2, "2024-03-10", None)
    mend(here, 2, amount=20)
    go(here, **{**asked, "now": shop.NOW + shop.DAY})
    assert listed(here) == {}
    rows = {one["_id"]: one["amount"] for one in here.target["dash_daily"].find()}
    assert rows == {"2024-03-10": 10, "2024-03-11": 30}

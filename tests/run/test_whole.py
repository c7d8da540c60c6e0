"""Whole runs on a real server, against rows counted by hand: again, overlapping, at once, after an outage."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from pymongo import MongoClient

from dashpipe.run import execute, ledger, run_all, state
from dashpipe.run.errors import CheckFailed, LeaseHeld, Refused, SourceDown
from dashpipe.spec.model import Env, Grain, Target
from tests.conftest import PROFILE
from tests.run import shop, stage
from tests.run.stage import Stage

Document = dict[str, Any]

DAYS = [shop.FIRST + number * shop.DAY for number in range(20)]  # to the 10th of March


@pytest.fixture
def here(mongo: MongoClient[Document], mongo_uri: str) -> Iterator[Stage]:
    with stage.open_stage(mongo, mongo_uri) as one:
        yield one


def states(here: Stage, grain: str = "day") -> dict[str, str]:
    return {one["label"]: one["state"] for one in here.target[state.PARTITIONS].find({"grain": grain})}


def test_a_run_publishes_what_counting_by_hand_gives(here: Stage) -> None:
    """All grains of all days since start; nothing is left behind but the state of the run."""
    done = here.go("command/first")
    assert shop.public(here.rows()) == shop.counted(here.source, DAYS)
    assert set(states(here)) == {day.isoformat() for day in DAYS}
    assert {*states(here).values(), *states(here, "month").values()} == {"published"}
    last = here.target[state.PARTITIONS].find_one({"grain": "day", "label": "2024-03-10"}) or {}
    assert (last["complete"], last["rows"], last["run_id"]) == (False, 3, "command/first")
    assert last["watermark"] == shop.at("2024-03-10T07:59:59")  # the older of the sources' newest times
    assert last["freshness"] == (shop.NOW - last["watermark"]).total_seconds()
    assert set(last["leaves"]) == {"orders", "visits"}
    assert all(last["leaves"].values())
    about = here.target[state.TARGETS].find_one({"_id": shop.SUBJECT.id}) or {}
    assert about["watermarks"] == {"orders": shop.NOW, "visits": shop.NOW}
    record = here.target[state.RUNS].find_one({"_id": "command/first"}) or {}
    assert (record["state"], record["generation"], record["reopened"]) == ("closed", 1, False)
    assert record["window"]["why"] == "the clock"
    assert [one["event"] for one in here.target[state.AUDIT].find()] == ["publish"]
    assert shop.staged(here.target) == []
    assert shop.is_free(here.target)
    assert list(done["steps"]) == [
        "extract_orders",
        "extract_visits",
        "transform",
        "validate",
        "load",
        "publish",
        "cleanup",
    ]
    assert done["window"]["end"] == "2024-03-10T04:30:00Z"
    assert done["steps"]["publish"]["rows"] == {"day": 79, "week": 12, "month": 8}


def test_running_again_changes_nothing(here: Stage) -> None:
    """A second run, of the same id or another, writes the same rows and moves no time of a row."""
    here.go("command/first", start=shop.FIRST, end=date(2024, 3, 11))
    times = {
        name: list(here.target[name].find({}, {"created_at": 1, "updated_at": 1}))
        for name in shop.TARGETS.values()
    }
    before, book = here.rows(), shop.ledger(here.target)
    for run_id in ("command/first", "command/second"):
        done = here.go(run_id, start=shop.FIRST, end=date(2024, 3, 11))
        counts = done["steps"]["load"]["counts"].values()
        assert {one[key] for one in counts for key in ("inserted", "changed", "removed")} == {0}
        assert here.rows() == before
        assert shop.ledger(here.target) == book
    after = {
        name: list(here.target[name].find({}, {"created_at": 1, "updated_at": 1}))
        for name in shop.TARGETS.values()
    }
    assert after == times


WINDOWS: tuple[Document, ...] = (
    {"start": date(2024, 2, 20), "end": date(2024, 3, 1)},
    {"start": date(2024, 2, 26), "end": date(2024, 3, 6)},
    {"start": date(2024, 3, 4), "end": date(2024, 3, 11)},
)
ORDERS = list(itertools.permutations(range(3)))


@pytest.mark.parametrize("order", ORDERS if PROFILE != "quick" else ORDERS[3:4])
def test_overlapping_windows_give_the_same_rows_in_any_order(here: Stage, order: tuple[int, ...]) -> None:
    """Three windows that overlap, in each order, give the rows of all days."""
    for number in order:
        here.go(**WINDOWS[number])
    assert shop.public(here.rows()) == shop.counted(here.source, DAYS)


def test_an_outage_is_caught_up(here: Stage) -> None:
    """After five days without a run the next one computes what the lookback does not reach, and only that."""
    then = shop.at("2024-03-04T06:00")
    here.go(now=then)
    done = here.go()
    published = done["steps"]["publish"]["partitions"]
    assert published == {"day": 7, "week": 1, "month": 1}  # the 4th was incomplete; the rest is new
    assert shop.public(here.rows()) == shop.counted(here.source, DAYS)
    assert set(states(here).values()) == {"published"}
    assert not here.target[state.PARTITIONS].count_documents(
        {"grain": "day", "complete": False, "label": {"$lt": "2024-03-10"}}
    )


def test_old_intervals_that_ended_at_midday_change_nothing_later(here: Stage) -> None:
    """An interval that ended at midday, run at that time, and again days later, gives whole days then."""
    asked = {"kind": "scheduled", "interval_end": shop.at("2024-03-06T12:00")}
    here.go("dag/old", now=shop.at("2024-03-06T12:01"), **asked)
    here.go("dag/new", kind="scheduled", interval_end=shop.at("2024-03-10T12:00"))
    before = here.rows()
    assert shop.public(before) == shop.counted(here.source, DAYS)
    done = here.go("dag/old", **asked)
    assert here.rows() == before
    assert done["window"] == {
        "start": "2024-03-03T16:00:00Z",
        "end": "2024-03-06T04:00:00Z",
        "why": "the end of the data interval of a scheduled run",
        "as_of": "2024-03-10T04:30:00Z",
    }


def test_four_runs_at_once_go_one_after_another(here: Stage) -> None:
    """Runs that are started together wait for each other; all end well, and the rows are right."""
    failures: list[Exception] = []

    def work(number: int) -> None:
        setup = here.setup()
        try:
            run_all(shop.request(f"dag/at-once-{number}"), setup, tries=1)
        except Exception as error:  # noqa: BLE001 -- whatever it is, the test shows it
            failures.append(error)
        finally:
            setup.connections.close()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert shop.public(here.rows()) == shop.counted(here.source, DAYS)
    runs = list(here.target[state.RUNS].find({}, {"generation": 1, "state": 1}))
    assert [(one["generation"], one["state"]) for one in runs] == [(1, "closed")] * 4
    fences = [one["fence"] for one in here.target[state.AUDIT].find({"event": "publish"}).sort("at", 1)]
    assert fences == sorted(fences)
    assert shop.is_free(here.target)
    assert shop.staged(here.target) == []


def test_extracts_side_by_side_share_one_record(here: Stage) -> None:
    """Both extracts of a run that start together work from one record; none pins the plan anew."""
    for number in range(3):
        asked = shop.request(f"dag/side-by-side-{number}")
        found: dict[str, Document] = {}

        def work(source: str, asked: Any = asked, found: dict[str, Document] = found) -> None:
            found[source] = execute("extract", asked, here.setup(), source)

        threads = [threading.Thread(target=work, args=(source,)) for source in ("orders", "visits")]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert {source: one["generation"] for source, one in found.items()} == {"orders": 1, "visits": 1}
        assert "redone" not in execute("transform", asked, here.setup())
        execute("cleanup", asked, here.setup())


def test_a_command_that_may_not_wait_says_who_runs(here: Stage) -> None:
    """Without waiting, a run of a subject that is at work is an error which names the holder."""
    setup = here.setup()
    execute("extract", shop.request("dag/first"), setup, "orders")
    with pytest.raises(LeaseHeld, match="is being run by dag/first"):
        run_all(shop.request("command/second"), setup, wait=False)
    assert here.target[state.RUNS].count_documents({}) == 1
    assert not shop.is_free(here.target)


def test_a_source_that_is_down_leaves_the_last_good_rows(here: Stage) -> None:
    """A refused connection may be tried again; rows stay, the lease is free, the next run works."""
    here.go(now=shop.at("2024-03-08T12:00"))
    before = here.rows()
    down = "mongodb://127.0.0.1:9/shop?serverSelectionTimeoutMS=200"
    setup = here.setup(DASHPIPE_SOURCE_URI=down)
    tried: list[str] = []
    with pytest.raises(SourceDown) as failure:
        run_all(
            shop.request("dag/down"),
            replace(setup, log=lambda event, **_: tried.append(event)),
            tries=2,
            pause=timedelta(milliseconds=1),
        )
    assert failure.value.retry
    assert "the last good rows stay" in failure.value.help
    assert tried.count("again") == 1
    assert here.rows() == before
    assert shop.is_free(here.target)
    here.go("dag/down")
    assert shop.public(here.rows()) == shop.counted(here.source, DAYS)


def test_a_failed_check_leaves_the_target_and_frees_the_lease(here: Stage) -> None:
    """The run stops before load; its staging is kept; its partition fails and stays out until mended."""
    here.go(now=shop.at("2024-03-05T12:00"))
    before = here.rows()
    bad = here.source["orders"].find_one(
        {"at": {"$gte": shop.at("2024-03-06T00:00"), "$lt": shop.at("2024-03-07T00:00")}, "status": "paid"}
    )
    assert bad is not None
    here.source["orders"].update_one({"_id": bad["_id"]}, {"$set": {"amount": -1000}})
    with pytest.raises(CheckFailed, match="amount-not-negative"):
        here.go("dag/bad", now=shop.at("2024-03-07T12:00"))
    assert here.rows() == before
    assert shop.is_free(here.target)
    assert states(here)["2024-03-06"] == "failed"
    record = here.target[state.RUNS].find_one({"_id": "dag/bad"}) or {}
    assert (record["state"], record["failed_checks"]) == ("closed", ["amount-not-negative"])
    assert len(shop.staged(here.target)) == 3
    assert "refusal" in {one["event"] for one in here.target[state.AUDIT].find()}

    here.go("dag/later")  # on the 10th the lookback does not reach the 6th
    assert len(shop.staged(here.target)) == 3  # still to be looked at
    assert states(here)["2024-03-06"] == "failed"
    without = {
        k: v for k, v in shop.counted(here.source, DAYS).items() if not k.startswith("dash_daily:2024-03-06")
    }
    assert shop.public(here.rows()) == without

    mended = {"amount": 5, "changed_at": shop.NOW + timedelta(minutes=30)}
    here.source["orders"].update_one({"_id": bad["_id"]}, {"$set": mended})
    now = shop.NOW + timedelta(hours=1)
    here.target[state.RUNS].update_one(
        {"_id": "dag/bad"}, {"$set": {"staging_until": shop.at("2024-01-01T00:00")}}
    )
    here.go("dag/mended", now=now)
    assert shop.public(here.rows()) == shop.counted(here.source, DAYS, now)
    assert shop.staged(here.target) == []


def test_a_run_keeps_the_spec_and_the_names_it_was_pinned_to(here: Stage) -> None:
    """A spec or a variable that changes while a run is at work is for the next run."""
    subject = replace(shop.SUBJECT, target=Target(Env("SHOP_TARGET", "dash_daily")))
    changed = replace(subject, metrics=subject.metrics[:1])
    first = replace(here.setup(), allow_env=("SHOP_*",))
    later = replace(here.setup(SHOP_TARGET="elsewhere"), allow_env=("SHOP_*",))
    execute("extract", shop.request("dag/run", subject), first, "orders")
    execute("extract", shop.request("dag/run", subject), first, "visits")
    for step in ("transform", "validate", "load", "publish", "cleanup"):
        receipt = execute(step, shop.request("dag/run", changed), later)
        assert "redone" not in receipt
    assert shop.public(here.rows()) == shop.counted(here.source, DAYS)
    record = here.target[state.RUNS].find_one({"_id": "dag/run"}) or {}
    assert record["env"] == {"SHOP_TARGET": "dash_daily"}
    assert here.target["elsewhere"].find_one() is None


def test_publish_removes_what_its_load_did_not_write(here: Stage) -> None:
    """A row of another fence in the run's partitions, as weak servers may let through, goes with a trace."""
    asked, setup = shop.request("dag/run"), here.setup()
    for step, source in (("extract", "orders"), ("extract", "visits"), ("load", None)):
        execute(step, asked, setup, source)
    day = here.target["dash_daily"]
    stray = day.find_one({"partition_date": "2024-03-09"}) or {}
    day.insert_one(
        {**stray, "_id": "2024-03-09|west", "shop": "west", "_meta": {**stray["_meta"], "fence": 1}}
    )
    assert execute("publish", asked, setup)["strays"] == 1
    assert shop.public(here.rows()) == shop.counted(here.source, DAYS)
    assert [one["strays"] for one in here.target[state.AUDIT].find({"event": "publish"})] == [1]


def test_a_refused_request_leaves_nothing(here: Stage) -> None:
    """Days before start are refused; there is no record, the lease is free, the refusal has a trace."""
    with pytest.raises(Refused, match="before the start"):
        here.go("command/early", start=date(2024, 1, 1), end=date(2024, 1, 2))
    assert here.target[state.RUNS].count_documents({}) == 0
    assert shop.is_free(here.target)
    assert [one["reason"] for one in here.target[state.AUDIT].find({"event": "refusal"})]


def test_a_task_that_the_spec_does_not_have_is_refused(here: Stage) -> None:
    """An extract of an unknown source, and a step that is none, are refused with what to write."""
    for step, source in (("extract", "nothing"), ("extract", None), ("upload", None)):
        with pytest.raises(Refused, match="has no task"):
            execute(step, shop.request(), here.setup(), source)


def test_an_asset_run_takes_what_upstream_published(here: Stage) -> None:
    """An old day that upstream published since our last publish is computed again, and its week and month."""
    base = replace(
        shop.SUBJECT,
        name="base",
        target=Target("dash_base"),
        grains=(Grain.DAY,),
        sources=shop.SUBJECT.sources[1:],
        metrics=shop.SUBJECT.metrics[3:4],
        checks=(),
    )
    here.go(subject=base)
    here.go()
    asked = {"kind": "asset", "upstream": (base.id,)}
    here.go("dag/settle", **asked)
    skew = timedelta(minutes=11)
    here.target[state.TARGETS].update_one({"_id": shop.SUBJECT.id}, {"$set": {"seen": _now(here) + skew}})
    here.target[state.PARTITIONS].update_one(
        {"_id": ledger.row_id(base.id, Grain.DAY, "2024-02-22")},
        {"$set": {"published_at": _now(here) + 2 * skew}},
    )
    done = here.go("dag/asset", **asked)
    assert done["window"]["why"] == f"what {base.id} published since the last run"
    assert done["window"]["end"] == "2024-02-22T16:00:00Z"
    assert done["steps"]["publish"]["partitions"] == {"day": 2, "week": 1, "month": 1}
    assert shop.public(here.rows()) == shop.counted(here.source, DAYS)


def _now(here: Stage) -> datetime:
    now: datetime = here.client.admin.command("hello")["localTime"]
    return now

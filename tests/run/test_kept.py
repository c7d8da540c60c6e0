"""Kept values and windows over them: killed while they are written, after retention, and whose they are."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta, timezone
from typing import Any

import pytest
from pymongo import MongoClient

from dashpipe.run import run_all, state, takeover
from dashpipe.run.base import Request
from dashpipe.run.errors import Refused
from dashpipe.spec.model import Grain, Metric, Period, Target
from tests.conftest import PROFILE
from tests.run import shop, stage, victim
from tests.run.stage import Stage
from tests.run.world import SUBJECT as PLAIN
from tests.run.world import World

Document = dict[str, Any]

VALUES = "dash_daily__values"
#: Of three days: a restated day restates two more.
BUYERS = Metric("buyers_3d", "cumulative", metric="buyers", window=Period(3, "day"))
SUBJECT = replace(
    shop.SUBJECT,
    sources=(replace(shop.SUBJECT.sources[0], incremental=True), shop.SUBJECT.sources[1]),
    metrics=(*shop.SUBJECT.metrics, BUYERS),
)
OLD = shop.FIRST + timedelta(days=9)
#: `make test` stops a run before a few of its writes, .ci/run before more, `make nightly` before every other.
STRIDE = {"quick": 30, "ci": 10}.get(PROFILE, 2)

KEPT = replace(
    PLAIN,
    sources=(replace(PLAIN.sources[0], incremental=True),),
    metrics=(Metric("countries", "count_distinct", source="orders", expr="country"),),
    dimensions=(),
    grains=(Grain.DAY, Grain.MONTH),
)


@pytest.fixture(autouse=True)
def _patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait a moment, not a minute, for writes of a dead run that the server does not show: there are none."""
    monkeypatch.setattr(takeover, "LONGEST_WRITE", 0.2)


@pytest.fixture(scope="module")
def before(mongo: MongoClient[Document], mongo_uri: str) -> Iterator[Stage]:
    """A shop with all its days published, and since then other buyers on an old day."""
    with stage.open_stage(mongo, mongo_uri) as one:
        one.go("dag/first", subject=SUBJECT)
        noon = shop.at(f"{OLD.isoformat()} 12:00")
        one.source["orders"].delete_many({"at": {"$gte": noon - timedelta(hours=6), "$lt": noon}})
        more = [shop.order(2000 + n, noon, buyer=f"new{n}", status="paid") for n in range(4)]
        one.source["orders"].insert_many(more)
        yield one


def kept(here: Stage) -> set[str]:
    """The ids of what is kept."""
    return {one["_id"] for one in here.target[VALUES].find({}, {"_id": 1})}


@pytest.mark.slow  # many runs and processes; `make test` kills plain runs
def test_killed_before_any_write_then_again(before: Stage) -> None:
    """With kill −9 before the n-th write, then the same day again: the same rows, and the same values."""
    asked = {"subject": SUBJECT, "start": OLD, "end": OLD + timedelta(days=1), "now": shop.NOW}
    with before.copied() as here:
        old = kept(here)
        done = here.go("dag/restates", **asked)["steps"]
        assert done["transform"]["origin"]["week"]["orders"] == {"states": 1, "source": 0}
        assert done["transform"]["dependants"] == {"day": 2, "week": 0, "month": 0}
        assert done["transform"]["reached"]["day"]["orders"] == {"states": 3, "source": 0}
        rows, values = here.rows(), kept(here)
        assert old != values
    with before.copied() as here:
        about = (here.uri, here.source.name, here.target.name)
        process, told = victim.start(*about, 0, signal.SIGKILL, run_id="dag/restates", **asked)
        process.join()
        assert process.exitcode == 0
        total = int(told.value)
    for number in range(2, total + 1, STRIDE):
        with before.copied() as here:
            about = (here.uri, here.source.name, here.target.name)
            process, _ = victim.start(*about, number, signal.SIGKILL, run_id="dag/restates", **asked)
            process.join()
            assert process.exitcode == -signal.SIGKILL
            here.client.admin.command({"killAllSessions": []})
            shop.expire(here.target)
            here.go("dag/restates" if number % 4 else "dag/another", **asked)
            said = f"killed before write {number} of {total}"
            assert here.rows() == rows, said
            assert kept(here) == values, said
            assert here.target[state.PARTITIONS].find_one({"state": {"$ne": "published"}}) is None, said


def test_values_go_with_the_rows_of_old_days(world: World) -> None:
    """Retention removes the values of days that it removes, and the months stay right."""
    world.fill(
        [
            {"_id": number, "at": datetime(2024, month, 9, 12, tzinfo=timezone.utc), "country": f"c{number}"}
            for number, month in enumerate((1, 2, 3, 3))
        ]
    )
    pruned = replace(KEPT, target=Target("daily", retention_days=40))
    for subject in (KEPT, pruned):
        april = datetime(2024, 4, 2, 12, tzinfo=timezone.utc)
        asked = {"start": date(2024, 1, 1), "end": date(2024, 4, 1), "now": april}
        run_all(Request(subject, f"test/{subject.target.retention_days}", "command", **asked), world.setup)
        days = {one["partition_date"] for one in world.target["daily__values"].find()}
        months = {one["partition_date"]: one["countries"] for one in world.target["daily_month"].find()}
        if subject is KEPT:
            assert days == {"2024-01-09", "2024-02-09", "2024-03-09"}
            assert months == {"2024-01-01": 1, "2024-02-01": 1, "2024-03-01": 2}
    assert days == {"2024-03-09"}
    assert months["2024-03-01"] == 2


def test_a_window_that_reaches_into_pruned_days_reads_the_source(world: World) -> None:
    """With retention of 40 days one of 20 is made from kept values, one of 60 from the source; both right."""
    windows = tuple(
        Metric(f"last_{days}", "cumulative", metric="countries", window=Period(days, "day"))
        for days in (20, 60)
    )
    day = timedelta(days=1)
    first = datetime(2024, 1, 1, 12, tzinfo=timezone.utc)
    world.fill([{"_id": at, "at": first + at * day, "country": f"c{at}"} for at in range(92)])
    for window in windows:
        subject = replace(
            KEPT,
            name=window.name,
            start="2024-01-01",
            metrics=(*KEPT.metrics, window),
            grains=(Grain.DAY,),
            target=Target(window.name, retention_days=40),
        )
        at = {"now": datetime(2024, 4, 1, 1, tzinfo=timezone.utc)}
        whole = {"start": date(2024, 1, 1), "end": date(2024, 3, 31), **at}
        run_all(Request(subject, "test/whole", "command", **whole), world.setup)
        rows = world.target[window.name]
        assert rows.count_documents({}) == 40 - 1
        last = {"start": date(2024, 3, 31), "end": date(2024, 4, 1), **at}
        done = run_all(Request(subject, "test/last", "command", **last), world.setup)["steps"]["transform"]
        far = window.name == "last_60"
        assert done["reached"] == {"day": {"orders": {"states": int(not far), "source": int(far)}}}
        row = rows.find_one({"partition_date": "2024-03-31"})
        assert row is not None
        assert row[window.name] == (60 if far else 20)


def test_the_collection_of_values_is_no_other_subjects(world: World) -> None:
    """What one subject keeps its values in is refused as the target of another."""
    world.fill([{"_id": 1, "at": datetime(2024, 3, 9, 12, tzinfo=timezone.utc), "country": "GB"}])
    at = {
        "start": date(2024, 3, 9),
        "end": date(2024, 3, 10),
        "now": datetime(2024, 4, 1, tzinfo=timezone.utc),
    }
    run_all(Request(KEPT, "test/first", "command", **at), world.setup)
    other = replace(PLAIN, name="other", target=Target("daily__values"))
    with pytest.raises(Refused, match=r"daily__values is the target of shop_dash_daily_v1"):
        run_all(Request(other, "test/other", "command", **at), world.setup)

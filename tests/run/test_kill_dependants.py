"""A run that restates an old day, killed before any of its writes: the days that read it come right too."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from pymongo import MongoClient

from dashpipe.run import state, takeover
from dashpipe.spec.model import Metric, Period
from tests.conftest import PROFILE
from tests.run import shop, stage, victim
from tests.run.stage import Stage

Document = dict[str, Any]

RUN = "dag/restates"
SUBJECT = replace(
    shop.SUBJECT,
    metrics=(
        *shop.SUBJECT.metrics,
        Metric("amount_3d", "cumulative", metric="amount", window=Period(3, "day")),
        Metric("spend_mtd", "cumulative", metric="spend", to_date="month"),
        Metric("share", "share", metric="amount", of=()),
    ),
)
OLD = shop.FIRST + timedelta(days=9)

#: `make test` stops a run before a few of its writes, .ci/run before every fourth.
STRIDE = 4 if PROFILE == "ci" else 25


@pytest.fixture(autouse=True)
def _patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait a moment, not a minute, for writes of a dead run that the server does not show: there are none."""
    monkeypatch.setattr(takeover, "LONGEST_WRITE", 0.2)


@pytest.fixture(scope="module")
def before(mongo: MongoClient[Document], mongo_uri: str) -> Iterator[Stage]:
    """A shop with all its days published, and since then more orders of an old day."""
    with stage.open_stage(mongo, mongo_uri) as one:
        one.go("dag/first", subject=SUBJECT)
        noon = shop.at(f"{OLD.isoformat()} 12:00")
        one.source["orders"].insert_many([shop.order(2000 + n, noon, amount=50 + n) for n in range(4)])
        yield one


def asked() -> dict[str, Any]:
    """The request that restates the old day alone."""
    return {"subject": SUBJECT, "start": OLD, "end": OLD + timedelta(days=1), "now": shop.NOW}


def test_killed_before_any_write_then_again(before: Stage) -> None:
    """With kill −9 before the n-th write, then the same day again: the same rows, and nothing half-way."""
    with before.copied() as here:
        old = here.rows()
        done = here.go(RUN, **asked())["steps"]
        after = here.rows()
        assert done["transform"]["dependants"]["day"] >= 2
        changed = {one for one in after if after[one] != old.get(one)}
        read = {after[one]["partition_date"] for one in changed if after[one]["grain"] == "day"}
        assert {(OLD + timedelta(days=more)).isoformat() for more in range(3)} <= read
    with before.copied() as here:
        process, told = victim.start(
            here.uri, here.source.name, here.target.name, 0, signal.SIGKILL, run_id=RUN, **asked()
        )
        process.join()
        assert process.exitcode == 0
        total = int(told.value)
    for number in range(1, total + 1, STRIDE):
        with before.copied() as here:
            process, _ = victim.start(
                here.uri, here.source.name, here.target.name, number, signal.SIGKILL, run_id=RUN, **asked()
            )
            process.join()
            assert process.exitcode == -signal.SIGKILL
            here.client.admin.command({"killAllSessions": []})
            shop.expire(here.target)
            here.go(RUN if number % 4 else "dag/another", **asked())
            about = f"killed before write {number} of {total}"
            assert here.rows() == after, about
            assert here.target[state.PARTITIONS].find_one({"state": {"$ne": "published"}}) is None, about
            assert shop.staged(here.target) == [], about

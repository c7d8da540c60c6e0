"""A run that is killed, or paused, before any of its writes: the next run ends in the same rows."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from pymongo import MongoClient

from dashpipe.run import state, takeover
from tests.conftest import PROFILE
from tests.run import shop, stage, victim
from tests.run.stage import Stage

Document = dict[str, Any]

RUN = "dag/victim"
LATER = shop.NOW + shop.DAY
DAYS = [shop.FIRST + number * shop.DAY for number in range(21)]  # to the 11th of March

#: `make test` stops a run before a few of its writes; .ci/run before each, in parts that workers share.
PARTS = range(8) if PROFILE != "quick" else range(1)
STRIDE = len(PARTS) if PROFILE != "quick" else 45
#: Of the parts, those whose writes a run is also paused before: the guards are the same at each.
PAUSES = PARTS[::3]


@pytest.fixture(autouse=True)
def _patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait a moment, not a minute, for writes of a dead run that the server does not show: there are none."""
    monkeypatch.setattr(takeover, "LONGEST_WRITE", 0.2)


@pytest.fixture(scope="module")
def before(mongo: MongoClient[Document], mongo_uri: str) -> Iterator[Stage]:
    """A shop with yesterday's rows published, and a day of changes since: rows will come, change, vanish."""
    with stage.open_stage(mongo, mongo_uri) as one:
        one.go("dag/yesterday")
        orders, visits = one.source["orders"], one.source["visits"]
        orders.insert_many([shop.order(1000 + n, LATER - n * timedelta(hours=3)) for n in range(12)])
        orders.update_one({"_id": 3}, {"$set": {"amount": 999, "changed_at": LATER - timedelta(hours=2)}})
        orders.delete_many({"_id": {"$in": [93, 94, 95]}})
        visits.delete_many({"_id": {"$gte": 90}})
        yield one


@pytest.fixture(scope="module")
def after(before: Stage) -> dict[str, Document]:
    """The rows that an undisturbed run gives, which are those counted by hand."""
    with before.copied() as here:
        done = here.go(RUN, now=LATER)
        counts = done["steps"]["load"]["counts"]["day"]
        assert all(counts[key] for key in ("inserted", "changed", "same", "removed"))
        rows = here.rows()
        assert shop.public(rows) == shop.counted(here.source, DAYS, LATER)
        return rows


def start(here: Stage, number: int, kind: signal.Signals) -> Any:
    return victim.start(here.uri, here.source.name, here.target.name, number, kind, run_id=RUN, now=LATER)


def writes(before: Stage) -> int:
    """How many writes an undisturbed run makes."""
    with before.copied() as here:
        process, told = start(here, 0, signal.SIGKILL)
        process.join()
        assert process.exitcode == 0
        return int(told.value)


def assert_whole(here: Stage, after: dict[str, Document], about: str) -> None:
    assert here.rows() == after, about
    unpublished = list(here.target[state.PARTITIONS].find({"state": {"$ne": "published"}}))
    assert unpublished == [], about
    assert shop.staged(here.target) == [], about
    assert shop.is_free(here.target), about


@pytest.mark.no_cover  # in many processes; what they do is measured elsewhere
@pytest.mark.parametrize("part", PARTS)
def test_a_run_killed_before_any_write_is_made_good_by_the_next(
    before: Stage, after: dict[str, Document], part: int
) -> None:
    """With kill −9 before the n-th write, for every n; then the same run again, or another: the same rows."""
    total = writes(before)
    assert total > 30
    for number in range(1 + (STRIDE // 2 + part) % STRIDE, total + 1, STRIDE):
        with before.copied() as here:
            process, _ = start(here, number, signal.SIGKILL)
            process.join()
            assert process.exitcode == -signal.SIGKILL
            time_passes(here)
            again = "dag/another" if number // len(PARTS) % 2 else RUN
            here.go(again, now=LATER)
            assert_whole(here, after, f"killed before write {number} of {total}, then {again}")


def stored(here: Stage) -> dict[str, list[Document]]:
    """All that readers and later runs go by: rows, ledger, records of other runs, owners, watermarks."""
    kept = {name: list(here.target[name].find().sort("_id", 1)) for name in shop.TARGETS.values()}
    kept["ledger"] = list(here.target[state.PARTITIONS].find().sort("_id", 1))
    kept["runs"] = list(here.target[state.RUNS].find({"_id": {"$ne": RUN}}).sort("_id", 1))
    lease = dict.fromkeys(("fence", "tenure", "holder", "last", "step", "until", "touched", "writing"), 0)
    kept["targets"] = list(here.target[state.TARGETS].find({}, lease).sort("_id", 1))
    kept["published"] = list(here.target[state.AUDIT].find({"event": "publish"}).sort("_id", 1))
    kept["checks"] = list(here.target[state.CHECKS].find({"run_id": {"$ne": RUN}}).sort("_id", 1))
    return kept


@pytest.mark.no_cover  # in many processes; what they do is measured elsewhere
@pytest.mark.parametrize("part", PAUSES)
def test_a_run_that_wakes_up_after_its_turn_changes_nothing(
    before: Stage, after: dict[str, Document], part: int
) -> None:
    """Paused before the n-th write, overtaken by another run, and woken: all stays as the other left it.

    Only where a step had just ended, or was about to begin, the run takes another turn: it asks for the lease
    and, with a fence of that turn, does everything again.
    """
    total, lost = writes(before), 0
    with ExitStack() as stack:
        # The other run sees one order more, so that what the first one would write is told apart.
        source = before.client[f"{before.source.name}_more"]
        shop.copy(before.client, before.source.name, source.name)
        stack.callback(before.client.drop_database, source.name)
        source["orders"].insert_one(shop.order(2001, LATER - timedelta(hours=1), shop="north"))
        for number in range(1 + (STRIDE // 3 + part) % STRIDE, total + 1, STRIDE):
            with before.copied() as here:
                process, told = start(here, number, signal.SIGSTOP)
                victim.paused(process.pid)
                time_passes(here)
                replace(here, source=source).go("dag/another", now=LATER)
                kept = stored(here)
                fence = (here.target[state.TARGETS].find_one({"_id": shop.SUBJECT.id}) or {})["fence"]
                assert here.rows() != after
                os.kill(process.pid, signal.SIGCONT)
                process.join()
                write = told.value.decode()
                about = f"paused before write {number} of {total}, {write}"
                now = stored(here)
                if process.exitcode == 0 and now != kept:
                    assert_whole(here, after, about)
                    for name, rows in now.items():
                        changed = [one for one in rows if one not in kept[name]]
                        assert all(_fence(one) > fence for one in changed), about
                else:
                    lost += 1
                    assert now == kept, about
                assert shop.is_free(here.target), about
    assert lost > total // STRIDE // 2


def _fence(document: Document) -> int:
    """The fence of a row, of a partition in the ledger or of a trace; other documents have none."""
    return int(document.get("_meta", document).get("fence", sys.maxsize))


def time_passes(here: Stage) -> None:
    """Let the time pass after which a server ends transactions, and a lease runs out."""
    here.client.admin.command({"killAllSessions": []})
    shop.expire(here.target)

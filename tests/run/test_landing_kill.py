"""A run that is killed before any write of its landing: the next one ends with the same documents."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient

from dashpipe.run import state, takeover
from tests.conftest import PROFILE
from tests.run import landed, shop, victim
from tests.run.landed import Yard

Document = dict[str, Any]

RUN = "dag/victim"
ASKED: Document = {"start": date(2024, 3, 1), "end": date(2024, 3, 11), "now": landed.NOW}
STRIDE = 3 if PROFILE == "ci" else 1 if PROFILE == "nightly" else 9


@pytest.fixture(autouse=True)
def _patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait a moment, not a minute, for writes of a dead run that the server does not show: there are none."""
    monkeypatch.setattr(takeover, "LONGEST_WRITE", 0.2)


@pytest.fixture
def before(mongo: MongoClient[Document], mongo_uri: str, tmp_path: Path) -> Iterator[Yard]:
    """Yesterday's file landed and published, and today's in its place: rows changed, moved, went and came."""
    with landed.open_yard(mongo, mongo_uri, tmp_path) as one:
        one.write("data/orders.csv", "\n".join([landed.COLUMNS, *landed.lines(range(1, 61))]))
        one.go(run_id="dag/yesterday")
        other = {"21": "21,2024-03-02 12:00,north,777,1,1", "33": "33,2024-03-05 12:00,north,1,1,1"}
        one.write("data/orders.csv", "\n".join([landed.COLUMNS, *landed.lines(range(11, 91), **other)]))
        yield one


@pytest.mark.slow  # many runs and processes; `make test` kills plain runs
def test_a_landing_killed_before_any_write_is_made_good(before: Yard) -> None:
    """With kill −9 before the n-th write; then the same run again, or another: the same rows."""
    with landed.copied(before) as whole:
        whole.go(run_id=RUN)
        raw, rows = whole.raw(), whole.rows()
        about = whole.target[state.LANDINGS].find_one({"kind": "file"}) or {}
        assert about["done"]
    assert len(raw) == 80
    number = 1
    while True:
        with landed.copied(before) as here:
            setup = {"allow_files": here.allow, "root": here.folder, "batch_size": 20}
            process, told = victim.start(
                here.uri,
                here.source.name,
                here.target.name,
                number,
                signal.SIGKILL,
                run_id=RUN,
                subject=landed.SUBJECT,
                setup=setup,
                **ASKED,
            )
            process.join()
            # Also before the end: a dead transaction keeps its database from being dropped.
            here.target.client.admin.command({"killAllSessions": []})
            record = here.target[state.RUNS].find_one({"_id": RUN}) or {"receipts": {}}
            landed_whole = "extract_orders" in record["receipts"]
            if process.exitcode == 0 or landed_whole:
                break
            assert process.exitcode == -signal.SIGKILL, told.value
            shop.expire(here.target, landed.SUBJECT.id)
            here.go(run_id="dag/another" if number % 2 else RUN)
            assert here.raw() == raw, f"killed before write {number}"
            assert here.rows() == rows, f"killed before write {number}"
            assert here.stale() == set()
        number += STRIDE
    assert number > 30

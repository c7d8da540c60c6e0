"""Retention: what is older than the subject keeps goes with the next publish, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timezone
from itertools import count
from typing import Any

import pytest
from pymongo.errors import AutoReconnect
from pytest_mock import MockerFixture

from dashpipe.run import run_all, state
from dashpipe.run.base import Request
from dashpipe.run.errors import RunError
from dashpipe.run.guarded import guarded
from dashpipe.spec.model import Dimension, Field, Grain, Metric, Source, Subject, Target, Time
from tests.run.world import World

Document = dict[str, Any]

SUBJECT = Subject(
    project="shop",
    domain="dash",
    name="daily",
    version=1,
    timezone="Europe/Berlin",
    start="2024-01-01",
    sources=(
        Source(
            "orders", "orders", Time("at"), fields=(Field("shop", "string"),), dimensions=(Dimension("shop"),)
        ),
    ),
    dimensions=(Dimension("shop"),),
    grains=(Grain.DAY, Grain.MONTH),
    metrics=(Metric("orders", "count", source="orders"),),
    target=Target("daily", retention_days=40),
)


def _fill(world: World) -> None:
    days = [(month, day) for month in (1, 2, 3) for day in range(1, 29)]
    world.fill(
        [
            {"_id": number, "at": datetime(2024, month, day, 12, tzinfo=timezone.utc), "shop": "a"}
            for number, (month, day) in enumerate(days)
        ]
    )


def _run(world: World, start: date, end: date, now: datetime, subject: Subject = SUBJECT) -> Document:
    request = Request(subject, f"test/{start}-{now}", start=start, end=end, now=now)
    done: Document = run_all(request, world.setup)
    return done


def _dates(world: World, collection: str) -> list[str]:
    return sorted(world.target[collection].distinct("partition_date"))


def test_old_partitions_go_with_the_next_publish(world: World) -> None:
    """Days before the kept ones are removed, said in receipt, ledger and audit; the rest stays."""
    _fill(world)
    april = datetime(2024, 4, 2, 12, tzinfo=timezone.utc)
    free = replace(SUBJECT, target=replace(SUBJECT.target, retention_days=None))
    _run(world, date(2024, 1, 1), date(2024, 4, 1), april, free)
    assert len(_dates(world, "daily")) == 3 * 28
    done = _run(world, date(2024, 3, 28), date(2024, 3, 29), april)
    # 2 April less 40 days is 22 February; the month around it is published and over.
    assert _dates(world, "daily") == [one for one in _all() if one >= "2024-02-22"]
    assert _dates(world, "daily_month") == ["2024-02-01", "2024-03-01"]
    assert done["steps"]["publish"]["pruned"] == {"day": 28 + 21, "month": 1}
    pruned = world.target[state.PARTITIONS].count_documents({"state": "pruned", "grain": "day"})
    assert pruned == 31 + 21
    traces = {one["grain"]: one["rows"] for one in world.target[state.AUDIT].find({"event": "retention"})}
    assert traces == {"day": 49, "month": 1}


@pytest.mark.slow  # long on the Python build; .ci/run has it on the native one
def test_what_the_ledger_calls_published_is_there(world: World, mocker: MockerFixture) -> None:
    """Cut off before any of its writes, pruning leaves no published partition without its rows."""
    _fill(world)
    april = datetime(2024, 4, 2, 12, tzinfo=timezone.utc)
    free = replace(SUBJECT, target=replace(SUBJECT.target, retention_days=None))
    _run(world, date(2024, 1, 1), date(2024, 4, 1), april, free)
    setup = replace(world.setup, batch_size=20)
    for stop in count(1):
        writes = iter(range(1, 1000))

        def cut(session: Any, work: Any, stop: int = stop, writes: Iterator[int] = writes) -> Any:
            if next(writes) == stop:
                raise AutoReconnect("the connection is gone")
            return guarded(session, work)

        mocker.patch("dashpipe.run.retention.guarded", cut)
        request = Request(SUBJECT, f"test/{stop}", start=date(2024, 3, 28), end=date(2024, 3, 29), now=april)
        try:
            run_all(request, setup, tries=1)
        except RunError:
            pass
        else:
            break
        full = {"grain": "day", "state": "published", "rows": {"$gt": 0}}
        published = {one["label"] for one in world.target[state.PARTITIONS].find(full)}
        assert len(published) >= 28
        assert published <= set(_dates(world, "daily"))
    assert stop > 4
    assert _dates(world, "daily") == [one for one in _all() if one >= "2024-02-22"]


def _all() -> list[str]:
    return [f"2024-{month:02d}-{day:02d}" for month in (1, 2, 3) for day in range(1, 29)]


def test_days_of_a_month_that_is_still_to_be_written_stay(world: World) -> None:
    """A month may yet be merged from its days' states, so they are kept until it is published and over."""
    _fill(world)
    february = datetime(2024, 2, 27, 12, tzinfo=timezone.utc)
    short = replace(SUBJECT, target=replace(SUBJECT.target, retention_days=10))
    _run(world, date(2024, 2, 1), date(2024, 2, 28), february, short)
    assert _dates(world, "daily")[0] == "2024-02-01"
    march = datetime(2024, 3, 2, 12, tzinfo=timezone.utc)
    _run(world, date(2024, 2, 26), date(2024, 3, 2), march, short)
    assert _dates(world, "daily")[0] == "2024-02-21"


def test_pruned_partitions_are_not_caught_up(world: World) -> None:
    """A run without dates does not bring back what was pruned, though it lies within its catch-up."""
    _fill(world)
    march = datetime(2024, 3, 20, 12, tzinfo=timezone.utc)
    short = replace(SUBJECT, target=replace(SUBJECT.target, retention_days=10), grains=(Grain.DAY,))
    run_all(Request(short, "test/first", now=march), world.setup)
    first = _dates(world, "daily")
    assert first[0] == "2024-03-10"
    done = run_all(Request(short, "test/second", now=march), world.setup)
    assert done["steps"]["extract_orders"]["partitions"]["day"]["n"] == 4
    assert _dates(world, "daily") == first


def test_without_retention_nothing_goes(world: World) -> None:
    """A subject that names no days keeps all."""
    _fill(world)
    free = replace(SUBJECT, target=replace(SUBJECT.target, retention_days=None))
    later = datetime(2034, 1, 1, tzinfo=timezone.utc)
    done = _run(world, date(2024, 1, 1), date(2024, 1, 3), later, free)
    assert done["steps"]["publish"]["pruned"] == {}
    assert _dates(world, "daily") == ["2024-01-01", "2024-01-02"]

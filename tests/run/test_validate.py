"""Validate: what each check measures, on which partitions, and what a failed one leaves behind."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from bson import Decimal128

from dashpipe.run import state
from dashpipe.run.base import Run, Window
from dashpipe.run.checks import freshness
from dashpipe.run.errors import CheckFailed
from dashpipe.spec.model import Bounds, Check, Dimension, Field, Grain, Metric, Schedule, Subject
from tests.run.world import AS_OF, ORDERS, SUBJECT, World, at, count, total

Document = dict[str, Any]
DAYS = ("2024-03-01", "2024-03-02", "2024-03-03")

RATED = replace(
    SUBJECT,
    sources=(
        replace(
            ORDERS,
            fields=(*ORDERS.fields, Field("city", "string")),
            dimensions=(Dimension("country"), Dimension("city")),
        ),
    ),
    dimensions=(Dimension("country"), Dimension("city")),
    metrics=(
        count("orders"),
        total("paid", "price"),
        Metric("score", "avg", source="orders", expr="x"),
    ),
)


def _documents() -> list[Document]:
    rows = [
        ("2024-03-01", "DE", "a", 0.5, "0.05"),
        ("2024-03-01", "DE", "b", None, "0.05"),
        ("2024-03-02", "DE", "a", 1.5, "0.05"),
        ("2024-03-02", "FR", "a", 0.9, "0.05"),
        ("2024-03-02", "FR", "b", -0.5, "0.06"),
    ]
    return [
        {"at": at(day), "country": country, "city": city, "x": x, "price": Decimal128(price)}
        for day, country, city, x, price in rows
    ]


def staged(world: World, *checks: Check, subject: Subject = RATED, **keys: Any) -> Run:
    """A run whose rows are in staging, with these checks."""
    world.fill(_documents())
    keys.setdefault("labels", {Grain.DAY: DAYS})
    labels = keys.pop("labels")
    return world.transform(world.run(replace(subject, checks=checks), labels, **keys))


def stored(world: World) -> list[Document]:
    """The stored results, by check and partition."""
    return list(world.target[state.CHECKS].find().sort([("check", 1), ("partition", 1)]))


def verdicts(world: World) -> dict[Any, tuple[str, Any]]:
    """Status and value a partition."""
    return {one["partition"]: (one["status"], one["value"]) for one in stored(world)}


def test_row_count_judges_each_partition(world: World) -> None:
    """Partitions with too few rows fail, also one without any; the result tells value and bounds."""
    check = Check("enough", "row_count", warn=Bounds(below=3), fail=Bounds(below=1))
    run = staged(world, check)
    with pytest.raises(CheckFailed) as failure:
        world.validate(run)
    assert verdicts(world) == {
        "2024-03-01": ("warn", 2),
        "2024-03-02": ("pass", 3),
        "2024-03-03": ("fail", 0),
    }
    assert failure.value.message == (
        "1 check result failed: enough: 2024-03-03 has 0 rows; expected: at least 1"
    )
    assert [one["partition"] for one in failure.value.results] == ["2024-03-03"]
    one = stored(world)[0]
    assert one["message"] == "2024-03-01 has 2 rows; expected: at least 3"
    assert one["bounds"] == {"warn": {"below": 3}, "fail": {"below": 1}}
    assert (one["subject"], one["grain"], one["type"], one["run_id"]) == (
        RATED.id,
        "day",
        "row_count",
        "dag/1",
    )


def test_missing_judges_the_share_of_nulls(world: World) -> None:
    """Nulls over rows; a partition without rows has nothing to judge."""
    run = staged(
        world, Check("rated", "missing", metric="score", warn=Bounds(above=0.25), fail=Bounds(above=0.5))
    )
    receipt = world.validate(run)
    assert verdicts(world) == {
        "2024-03-01": ("warn", 0.5),
        "2024-03-02": ("pass", 0.0),
        "2024-03-03": ("skipped", None),
    }
    assert receipt["checks"] == {"fail": 0, "warn": 1, "pass": 1, "skipped": 1}
    assert receipt["warnings"] == [
        "rated: score is null in 1 of 2 rows of 2024-03-01 (50 %); expected: at most 25 %"
    ]


def test_range_takes_nulls_and_bounds_themselves(world: World) -> None:
    """Values out of bounds are counted, a null passes, a value at a bound is good."""
    run = staged(
        world, Check("share", "range", metric="score", warn=Bounds(above=0.5), fail=Bounds(below=0, above=1))
    )
    with pytest.raises(
        CheckFailed,
        match=r"score of 2024-03-02 goes from -0.5 to 1.5, and is out of bounds in 2 of 3 rows; .* 0 to 1",
    ):
        world.validate(run)
    assert verdicts(world) == {
        "2024-03-01": ("pass", {"min": 0.5, "max": 0.5, "out": 0}),
        "2024-03-02": ("fail", {"min": -0.5, "max": 1.5, "out": 2}),
        "2024-03-03": ("skipped", None),
    }


def test_a_decimal_meets_its_bound_as_a_decimal(world: World) -> None:
    """Decimal 0.05 is not below 0.05, although the double of that name is a little more."""
    run = staged(world, Check("paid", "range", metric="paid", fail=Bounds(below=0.05, above=0.06)))
    assert world.validate(run)["checks"]["fail"] == 0
    again = staged(world, Check("paid", "range", metric="paid", fail=Bounds(above=0.05)))
    with pytest.raises(
        CheckFailed, match=r"paid of 2024-03-02 goes from 0.05 to 0.06, and is out of bounds in 1 of 3"
    ):
        world.validate(again)


def test_unique_counts_rows_that_share_a_key(world: World) -> None:
    """The share of rows whose key another row has, within a partition; it names one such key."""
    check = Check("one-a-country", "unique", keys=("country",), warn=Bounds(above=0), fail=Bounds(above=0.9))
    with pytest.raises(
        CheckFailed,
        match="2 of 2 rows of 2024-03-01 share country with another row \\(100 %\\), such as country DE",
    ):
        world.validate(staged(world, check))
    assert verdicts(world) == {
        "2024-03-01": ("fail", 1.0),
        "2024-03-02": ("warn", 2 / 3),
        "2024-03-03": ("skipped", None),
    }
    both = Check("key", "unique", keys=("country", "city"), fail=Bounds(above=0))
    assert world.validate(staged(world, both))["checks"] == {"fail": 0, "warn": 0, "pass": 2, "skipped": 1}


def test_the_unfinished_partition_is_judged_only_where_asked(world: World) -> None:
    """Without `incomplete: true` the partition that is not over is left out."""
    few = Check("few", "row_count", warn=Bounds(below=100))
    all_ = replace(few, id="all", incomplete=True)
    world.validate(staged(world, few, all_, as_of=at("2024-03-03", 9)))
    judged = [(one["check"], one["partition"]) for one in stored(world)]
    assert judged == [("all", one) for one in DAYS] + [("few", one) for one in DAYS[:2]]


def test_a_check_is_on_the_first_grain_unless_it_says_another(world: World) -> None:
    """The grain of a check decides whose rows and partitions it judges."""
    subject = replace(RATED, grains=(Grain.DAY, Grain.MONTH))
    checks = (
        Check("days", "row_count", warn=Bounds(below=0)),
        Check("months", "row_count", grain=Grain.MONTH, warn=Bounds(above=3)),
    )
    labels = {Grain.DAY: DAYS, Grain.MONTH: ("2024-03-01",)}
    world.validate(staged(world, *checks, subject=subject, labels=labels))
    assert {(one["check"], one["grain"], one["partition"], one["value"]) for one in stored(world)} == {
        ("days", "day", "2024-03-01", 2),
        ("days", "day", "2024-03-02", 3),
        ("days", "day", "2024-03-03", 0),
        ("months", "month", "2024-03-01", 4),
    }


def test_hours_are_judged_one_by_one(world: World) -> None:
    """At grain hour the partition is day and hour."""
    subject = replace(RATED, grains=(Grain.HOUR,))
    labels = {Grain.HOUR: ("2024-03-01T12+0000", "2024-03-01T13+0000")}
    with pytest.raises(CheckFailed, match="2024-03-01T13\\+0000 has 0 rows"):
        world.validate(
            staged(world, Check("any", "row_count", fail=Bounds(below=1)), subject=subject, labels=labels)
        )
    assert verdicts(world) == {"2024-03-01T12+0000": ("pass", 2), "2024-03-01T13+0000": ("fail", 0)}


def test_a_failed_check_marks_its_partition_and_leaves_the_target(world: World) -> None:
    """The partitions that failed are failed in the ledger with the reason, the others are untouched."""
    run = staged(
        world,
        Check("any", "row_count", fail=Bounds(below=1)),
        Check("rated", "missing", metric="score", fail=Bounds(above=0)),
    )
    with pytest.raises(CheckFailed) as failure:
        world.validate(run)
    assert failure.value.message.startswith("2 check results failed: any: 2024-03-03 has 0 rows")
    assert not failure.value.retry
    ledger = {one["label"]: one for one in world.target[state.PARTITIONS].find()}
    assert sorted(ledger) == ["2024-03-01", "2024-03-03"]
    assert {one["state"] for one in ledger.values()} == {"failed"}
    assert ledger["2024-03-01"]["reason"].startswith("rated: score is null in 1 of 2 rows")
    assert world.rows() == []


def test_all_failures_are_told_and_the_message_stays_short(world: World) -> None:
    """Of a check that failed in many partitions three are told, the rest counted."""
    subject = replace(RATED, grains=(Grain.HOUR,))
    hours = {Grain.HOUR: tuple(f"2024-03-05T{hour:02d}+0000" for hour in range(24))}
    with pytest.raises(CheckFailed) as failure:
        world.validate(
            staged(world, Check("any", "row_count", fail=Bounds(below=1)), subject=subject, labels=hours)
        )
    assert failure.value.message.startswith("24 check results failed: ")
    assert failure.value.message.count("has 0 rows") == 3
    assert failure.value.message.endswith("; and 21 more of any, up to 2024-03-05T23+0000")
    assert len(failure.value.results) == 24


def test_a_second_attempt_replaces_its_results(world: World) -> None:
    """One result a check, partition and run, however often the step is tried."""
    run = staged(world, Check("any", "row_count", warn=Bounds(below=1)))
    world.batch_size = 2
    world.validate(run)
    world.validate(run)
    assert len(stored(world)) == 3
    world.free(run)
    world.validate(staged(world, Check("any", "row_count", warn=Bounds(below=1)), run_id="dag/2"))
    assert len(stored(world)) == 6


def test_no_checks_are_nothing_to_do(world: World) -> None:
    """A subject without checks passes."""
    receipt = world.validate(staged(world))
    assert receipt["checks"] == {"fail": 0, "warn": 0, "pass": 0, "skipped": 0}
    assert stored(world) == []


# --- freshness ---

FRESH = Check("fresh", "freshness", source="orders", warn=Bounds(hours=2.0), fail=Bounds(hours=24.0))


def _freshness(newest: datetime | None, *, end: datetime = AS_OF, cron: str | None = "15 * * * *") -> Any:
    """The result for a source whose newest document is of ``newest``, seen by a run about a window's end."""
    subject = replace(SUBJECT, checks=(FRESH,), schedule=None if cron is None else Schedule(cron))
    window = Window(end - timedelta(days=3), end, "the test")
    run = Run("dag/1", 1, subject, None, "", AS_OF, window, True, {}, {}, {}, {})  # type: ignore[arg-type]
    return freshness.judge(FRESH, run, newest)


@pytest.mark.parametrize(
    ("hours", "status"),
    [(0.5, "pass"), (2.0, "pass"), (2.5, "warn"), (24.0, "warn"), (25.0, "fail"), (None, "fail")],
)
def test_freshness_compares_as_of_with_the_newest_document(hours: float | None, status: str) -> None:
    """Older than the hours is warned or failed; a source without documents is never fresh."""
    result = _freshness(None if hours is None else AS_OF - timedelta(hours=hours))
    assert (result.status, result.value) == (status, hours)
    if hours == 25:
        old = "the newest document of orders is 25 hours old (2024-04-19T11:00Z)"
        assert result.message == f"{old}; expected: at most 24 hours"


@pytest.mark.parametrize(
    ("cron", "back", "skipped"),
    [
        ("15 * * * *", timedelta(hours=1), False),
        ("15 * * * *", timedelta(hours=1, minutes=1), True),
        ("0 2 * * *", timedelta(hours=24), False),
        ("0 2 * * *", timedelta(hours=25), True),
        ("0 9 * * 1-5", timedelta(hours=72), False),
        ("0 9 * * 1-5", timedelta(hours=73), True),
        ("0 0 1 * *", timedelta(days=31), False),
        ("0 0 1 * *", timedelta(days=32), True),
        (None, timedelta(hours=24), False),
        (None, timedelta(hours=25), True),
    ],
)
def test_freshness_is_of_runs_about_now(cron: str | None, back: timedelta, skipped: bool) -> None:
    """A window that ended more than one schedule period ago says nothing about the source."""
    result = _freshness(AS_OF, end=AS_OF - back, cron=cron)
    assert (result.status == "skipped") is skipped


def test_a_source_that_is_not_fresh_fails_no_partition(world: World) -> None:
    """The run stops, but its partitions stay due: the next run catches up."""
    run = staged(world, FRESH, as_of=at("2024-03-04"))
    run = replace(run, receipts={**run.receipts, "extract_orders": {"newest": at("2024-03-02")}})
    with pytest.raises(CheckFailed, match="fresh: the newest document of orders is 48 hours old"):
        world.validate(run)
    assert world.target[state.PARTITIONS].count_documents({}) == 0
    assert [(one["partition"], one["grain"]) for one in stored(world)] == [(None, None)]

"""Rows that are added for a key: what checks see of them, what becomes of them, and what a plan says."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta, timezone
from typing import Any

import pytest

from dashpipe.compile import compile_subject, describe
from dashpipe.run import run_all, state
from dashpipe.run.base import Request
from dashpipe.run.errors import CheckFailed
from dashpipe.spec.model import Bounds, Check, Fill, Grain, Metric, Period, Target
from tests.run.world import SUBJECT, World, count

Document = dict[str, Any]

NOW = datetime(2024, 5, 1, tzinfo=timezone.utc)
FILLED = replace(
    SUBJECT,
    metrics=(
        count("orders", fill=Fill(0, Period(30, "day"))),
        Metric("dearest", "max", source="orders", expr="n", fill=Fill(None, Period(30, "day"))),
    ),
)


def order(number: int, day: str, country: str = "GB", **more: Any) -> Document:
    """An order at noon."""
    at = datetime.fromisoformat(f"{day}T12:00:00+00:00")
    return {"_id": number, "at": at, "country": country, "n": number, **more}


def run(world: World, subject: Any, first: str, last: str, hours: int = 0, **keys: Any) -> Document:
    """One run over some days."""
    start, end = date.fromisoformat(first), date.fromisoformat(last)
    now = NOW + timedelta(hours=hours)
    request = Request(subject, f"test/{first}-{last}-{hours}", start=start, end=end, now=now, **keys)
    done: Document = run_all(request, world.setup)
    return done


def rows(world: World) -> dict[str, Document]:
    """The rows of days, by id."""
    return {one["_id"]: one for one in world.target["daily"].find()}


def test_an_added_row_becomes_a_row_and_goes_again(either: World) -> None:
    """A late document takes an added row's place and `created_at`; without it the row is added again."""
    either.fill([order(1, "2024-03-01")])
    run(either, FILLED, "2024-03-01", "2024-03-06")
    before = rows(either)
    assert {key: one.get("filled") for key, one in before.items()} == {
        "2024-03-01|GB": None,
        **dict.fromkeys((f"2024-03-0{day}|GB" for day in range(2, 6)), True),
    }
    assert (before["2024-03-03|GB"]["orders"], before["2024-03-03|GB"]["dearest"]) == (0, None)
    either.source["orders"].insert_one(order(7, "2024-03-03"))
    done = run(either, FILLED, "2024-03-03", "2024-03-04", 1)
    assert done["steps"]["load"]["counts"]["day"] == {"inserted": 0, "changed": 1, "same": 2, "removed": 0}
    after = rows(either)["2024-03-03|GB"]
    assert "filled" not in after
    assert (after["orders"], after["dearest"]) == (1, 7)
    assert after["created_at"] == before["2024-03-03|GB"]["created_at"]
    either.source["orders"].delete_one({"_id": 7})
    run(either, FILLED, "2024-03-03", "2024-03-04", 2)
    again = rows(either)
    assert again["2024-03-03|GB"]["filled"] is True
    assert again["2024-03-03|GB"]["_state"] == {}
    done = run(either, FILLED, "2024-03-01", "2024-03-06", 3)
    assert done["steps"]["load"]["counts"]["day"] == {"inserted": 0, "changed": 0, "same": 5, "removed": 0}


def test_only_what_came_or_went_writes_further_days(world: World) -> None:
    """A day whose keys are the same extends no run, whatever its values are now."""
    world.fill([order(1, "2024-03-01")])
    run(world, FILLED, "2024-03-01", "2024-03-10")
    world.source["orders"].insert_one(order(2, "2024-03-01"))
    done = run(world, FILLED, "2024-03-01", "2024-03-02", 1)
    assert done["steps"]["transform"]["dependants"] == {"day": 0}
    world.source["orders"].insert_one(order(3, "2024-03-01", "FR"))
    done = run(world, FILLED, "2024-03-01", "2024-03-02", 2)
    assert done["steps"]["transform"]["dependants"] == {"day": 8}
    assert sum(one["country"] == "FR" for one in rows(world).values()) == 9


def test_checks_judge_the_rows_of_documents(world: World) -> None:
    """A day that has added rows alone has no row for `row_count`, and nulls that were added miss nothing."""
    world.fill([order(1, "2024-03-01")])
    missing = Check("known", "missing", metric="dearest", fail=Bounds(above=0))
    run(world, replace(FILLED, checks=(missing,)), "2024-03-01", "2024-03-03")
    stored = {one["partition"]: one["value"] for one in world.target[state.CHECKS].find({"check": "known"})}
    assert stored["2024-03-01"] == 0
    assert not stored["2024-03-02"]
    there = Check("there", "row_count", fail=Bounds(below=1))
    with pytest.raises(CheckFailed, match="2024-03-02"):
        run(world, replace(FILLED, checks=(there,)), "2024-03-02", "2024-03-03", 1)


def test_added_rows_go_without_a_word_with_the_row_that_they_hang_on(world: World) -> None:
    """One document that goes is one row that goes: the thirty that were added after it are not counted."""
    world.fill([order(1, "2024-03-01"), order(2, "2024-03-01", "FR")])
    run(world, FILLED, "2024-03-01", "2024-04-10")
    assert len(rows(world)) == 62
    world.source["orders"].delete_one({"_id": 2})
    done = run(world, FILLED, "2024-03-01", "2024-03-02", 1)
    assert done["steps"]["load"]["counts"]["day"]["removed"] == 31
    assert {one["country"] for one in rows(world).values()} == {"GB"}


def test_added_rows_are_in_no_coarser_row(world: World) -> None:
    """A month that is merged from days counts what documents are behind, and is filled by itself."""
    subject = replace(
        FILLED,
        grains=(Grain.DAY, Grain.MONTH),
        metrics=(count("orders", fill=Fill(0, Period(1, "month"))), Metric("days", "count", source="orders")),
        target=Target("daily"),
    )
    world.fill([order(1, "2024-02-10"), order(2, "2024-02-11", "FR"), order(3, "2024-03-02", "FR")])
    run(world, subject, "2024-02-01", "2024-05-01")
    months = {one["_id"]: (one["orders"], one.get("filled")) for one in world.target["daily_month"].find()}
    assert months == {
        "2024-02-01|GB": (1, None),
        "2024-02-01|FR": (1, None),
        "2024-03-01|GB": (0, True),
        "2024-03-01|FR": (1, None),
        "2024-04-01|FR": (0, True),
    }


def test_a_plan_says_what_it_fills() -> None:
    """The plan's tree and its stages show the rows that are added."""
    plan = compile_subject(FILLED)
    assert "  Fill the 30 days after a key's last own row" in list(describe.plan_lines(plan))
    labels = describe.sample_labels(plan, Grain.DAY)
    assert "day: rows that are added" in [what for what, _, _ in describe.stages_of(plan, Grain.DAY, labels)]

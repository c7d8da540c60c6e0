"""Balances that are carried always, and cohorts: a daily run goes on from what is kept of each key."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta, timezone
from typing import Any
from unittest.mock import ANY, patch

import pytest

from dashpipe.run import run_all, state
from dashpipe.run.base import Request
from dashpipe.run.transform import running
from dashpipe.spec.model import Field, Grain, Lookback, Metric, Subject, Target
from tests.run.watch import asked, documents_read, watching
from tests.run.world import SUBJECT as PLAIN
from tests.run.world import World, count, total

Document = dict[str, Any]

STATE = "daily__state"
FIRST = date(2024, 1, 1)
DAY = timedelta(days=1)
BALANCES = tuple(
    Metric(name, type_, source="orders", expr="n", per=("account",), carry="always")
    for name, type_ in (("owed", "last"), ("owing", "first"))
)
#: Who comes back on the two days after.
BACK = Metric(
    "back", "retention", "orders", entity="account", period=Grain.DAY, periods=2, grains=(Grain.DAY,)
)
SUBJECT = replace(
    PLAIN,
    sources=(replace(PLAIN.sources[0], fields=(*PLAIN.sources[0].fields, Field("account", "integer"))),),
    metrics=(
        count("orders"),
        total("items", "n"),
        Metric("items_ever", "cumulative", metric="items"),
        *BALANCES,
        BACK,
    ),
    lookback=Lookback(dense=2),
    catch_up_days=7,
)


def order(number: int, day: date) -> Document:
    """An order of a day; accounts move from one country to another, and few are seen often."""
    midnight = datetime(day.year, day.month, day.day, tzinfo=timezone.utc)
    account = number % 3 if number % 4 else number % 97
    at = midnight + timedelta(hours=number % 24, milliseconds=number % 1000)
    country = ("DE", "FR", "GB")[number // 2 % 3]
    return {"_id": number, "at": at, "country": country, "n": number * 37 % 101 - 40, "account": account}


def guests(day: date) -> list[Document]:
    """Orders of who is new on a day, and of who was two days before.

    These were new between the days that a state takes and the cohorts of a run, or within either.
    """
    number = day.toordinal()
    return [{**order(10 * number + 8 + n, day), "country": "DE", "account": number - 2 * n} for n in range(2)]


def go(world: World, subject: Subject, now: date, *days: date) -> Document:
    """The run of the morning after a day; of some days by name, or as the schedule makes it."""
    asked_ = {"start": days[0], "end": days[-1] + DAY} if days else {}
    morning = datetime(now.year, now.month, now.day, 3, tzinfo=timezone.utc) + DAY
    request = Request(subject, f"test/{now}/{days}", "command", now=morning, **asked_)
    done: Document = run_all(request, world.setup)["steps"]
    return done


def begun(world: World, days: int, subject: Subject = SUBJECT, first: date = FIRST) -> date:
    """Documents of some days, published in one run, and the daily run after that; the newest day."""
    orders = [order(number, first + timedelta(days=number // 2)) for number in range(2 * days)]
    world.fill([*orders, *(one for at in range(days) for one in guests(first + timedelta(days=at)))])
    newest = first + timedelta(days=days - 2)
    go(world, subject, newest, FIRST, newest)
    go(world, subject, newest + DAY)
    return newest + DAY


def more(world: World, newest: date, days: int, subject: Subject = SUBJECT) -> date:
    """Some days more, each with orders and its daily run; the newest day."""
    for _ in range(days):
        newest += DAY
        begin = 10 * newest.toordinal()
        world.source["orders"].insert_many([*(order(begin + n, newest) for n in range(6)), *guests(newest)])
        go(world, subject, newest)
    return newest


def check(world: World, documents: list[Document], *, since: date = FIRST) -> int:
    """Rows from a day on hold what a walk over documents gives; how many rows there are."""
    documents = sorted(documents, key=lambda one: one["at"])
    rows = [one for one in world.rows() if one["partition_date"] >= since.isoformat()]
    # A run begins in the morning after the newest day: that day has begun, too.
    begun = max(date.fromisoformat(one["partition_date"]) for one in rows) + DAY
    for row in rows:
        day = date.fromisoformat(row["partition_date"])
        before = {one["account"]: one for one in documents if one["at"].date() < day}
        own = [one for one in documents if one["at"].date() == day]
        last = before | {one["account"]: one for one in own}
        first = before | {one["account"]: one for one in reversed(own)}
        for name, found in (("owed", last), ("owing", first)):
            values = [one["n"] for one in found.values() if one["country"] == row["country"]]
            assert row[name] == (sum(values) if values else None), (name, row["_id"])
        mine = [one for one in documents if one["country"] == row["country"]]
        assert row["items_ever"] == sum(one["n"] for one in mine if one["at"].date() <= day), row["_id"]
        seen = [{one["account"] for one in mine if one["at"].date() == day + n * DAY} for n in range(3)]
        new = seen[0] - {one["account"] for one in mine if one["at"].date() < day}
        back = [len(new & one) / len(new) for one in seen] if new else []
        shares = [one if day + n * DAY <= begun else None for n, one in enumerate(back)]
        assert row.get("back", shares or None) == (shares or None), row["_id"]
    return len(rows)


def stamp(world: World, collection: str = STATE, of: str = "lasts") -> Document | None:
    """The stamp of the last values, or of the first days of ``entities``."""
    found = world.target[collection].find_one({"_id": {"$regex": rf"^stamp\|.*\|orders\|{of}"}})
    return None if found is None else found["stamp"]


def everything(world: World) -> list[Document]:
    """All documents of the source."""
    return list(world.source["orders"].find())


@pytest.mark.parametrize("route", ["world", "apart"])
def test_a_daily_run_reads_no_documents_that_the_state_takes(
    request: pytest.FixtureRequest, route: str
) -> None:
    """With all orders of the state's days gone from the source, the balances of new days are right."""
    world: World = request.getfixturevalue(route)
    newest = begun(world, 20)
    check(world, everything(world))
    held, known = stamp(world), stamp(world, of="entities")
    assert held is not None
    assert known is not None
    # Before the cohorts that two days of lookback restate.
    assert held["reach"] == known["reach"] == (newest - 4 * DAY).isoformat()
    documents = everything(world)
    edge = datetime.fromisoformat(f"{held['reach']}T00:00:00+00:00") + DAY
    world.source["orders"].delete_many({"at": {"$lt": edge}})
    with patch.dict(running.BEHIND, {Grain.DAY: 3}):
        left = more(world, newest, 4)
    new = [one for one in everything(world) if one["at"].date() > newest]
    assert check(world, [*documents, *new], since=newest + DAY) > 4
    for of in ("lasts", "entities"):
        after = stamp(world, of=of)
        assert after is not None
        assert held["reach"] < after["reach"] < left.isoformat()
        assert world.target[STATE].distinct("gen", {"source": {"$regex": of}}) == sorted(
            world.target[STATE].distinct("stamp.gen", {"_id": {"$regex": of}})
        )


@pytest.mark.slow  # long on the Python build; .ci/run has it on the native one
def test_it_costs_the_same_whatever_lies_behind_it(world: World) -> None:
    """On ten times the history, with no more accounts, it reads as many documents in as many commands."""
    read, sent = [], []
    for days in (10, 100):
        world.target.client.drop_database(world.target.name)
        newest = begun(world, days)
        world.source["orders"].insert_many([order(5000 + n, newest + DAY) for n in range(6)])
        with watching() as commands:
            go(world, SUBJECT, newest + DAY)
        read.append(documents_read(world, commands))
        sent.append(sum(asked(commands).values()))
    assert read[0]["orders"] == read[1]["orders"] < 150
    assert read[0]["daily"] == read[1]["daily"]
    assert sent[0] == sent[1]


def test_what_lies_before_the_start_counts(world: World) -> None:
    """Documents before the first day that is written are read by each run, also one that comes late."""
    subject = replace(SUBJECT, start="2024-01-10", metrics=(*SUBJECT.metrics[:2], *BALANCES))
    world.fill([order(number, FIRST + timedelta(days=number // 2)) for number in range(80)])
    newest = FIRST + timedelta(days=38)
    start = date(2024, 1, 10)
    go(world, subject, newest, start, newest)
    newest = more(world, newest, 2, subject)
    assert stamp(world) is not None
    world.source["orders"].insert_one({**order(9000, FIRST), "account": 1000})
    newest = more(world, newest, 1, subject)
    _check_balances(world, newest)


def test_a_change_before_its_day_makes_it_anew(world: World) -> None:
    """A late order of an old day is in all later balances once that day was run, and so is one that went."""
    newest = begun(world, 40)
    old = FIRST + timedelta(days=20)
    world.source["orders"].insert_one({**order(9000, old), "account": 1000})
    world.source["orders"].delete_many({"_id": {"$in": [40, 41]}})
    go(world, SUBJECT, newest, old)
    check(world, everything(world))
    for held in (stamp(world), stamp(world, of="entities")):
        assert held is not None
        assert held["reach"] == (old - 3 * DAY).isoformat()  # two days before the old one have its cohorts
    more(world, newest, 1)
    check(world, everything(world))


def test_one_that_another_spec_passed_by_is_not_used(world: World) -> None:
    """An old day restated while nothing was carried: the state of before is recognised as stale."""
    newest = begun(world, 40)
    before = stamp(world)
    old = FIRST + timedelta(days=20)
    world.source["orders"].insert_one({**order(9000, old), "account": 1000})
    go(world, replace(SUBJECT, metrics=SUBJECT.metrics[:2]), newest, old)
    assert stamp(world) == before
    newest = more(world, newest, 1)
    _check_balances(world, newest)


def test_weeks_alone_go_on_too(world: World) -> None:
    """Where no days are written, the ledger's weeks tell whether a state holds."""
    back = replace(BACK, period=Grain.WEEK, periods=1, grains=(Grain.WEEK,))
    subject = replace(SUBJECT, grains=(Grain.WEEK,), metrics=(*SUBJECT.metrics[:2], *BALANCES, back))
    newest = begun(world, 60, subject)
    held = stamp(world, "daily_week__state")
    assert held is not None
    assert stamp(world, "daily_week__state", of="entities") == {**held, "leaves": ANY, "n": ANY}
    edge = datetime.fromisoformat(f"{held['reach']}T00:00:00+00:00") + DAY
    documents = everything(world)
    world.source["orders"].delete_many({"at": {"$lt": edge}})
    newest = more(world, newest, 3, subject)
    documents += [one for one in everything(world) if one["at"].date() > newest - 3 * DAY]
    documents.sort(key=lambda one: one["at"])
    (week,) = {(newest - timedelta(days=newest.weekday())).isoformat()}
    rows = [one for one in world.rows("daily_week") if one["partition_date"] == week]
    last = {one["account"]: one for one in documents}
    assert len(rows) == 3
    for row in rows:
        mine = [one for one in documents if one["country"] == row["country"]]
        assert row["owed"] == sum(one["n"] for one in last.values() if one["country"] == row["country"])
        known = {one["account"] for one in mine if one["at"].date().isoformat() < week}
        new = {one["account"] for one in mine} - known
        assert row["back"] == ([1, 0] if new else None)  # the next week has begun
    assert any(row["back"] for row in rows)


def test_pruned_days_stay_in_it(world: World) -> None:
    """With `retention_days` the state outlives the rows of its days."""
    subject = replace(SUBJECT, target=Target("daily", retention_days=10))
    newest = begun(world, 40, replace(subject, target=Target("daily")))
    held = stamp(world)
    assert held is not None
    documents = everything(world)
    edge = datetime.fromisoformat(f"{held['reach']}T00:00:00+00:00") + DAY
    world.source["orders"].delete_many({"at": {"$lt": edge}})
    more(world, newest, 3, subject)
    assert world.target[state.PARTITIONS].count_documents({"state": "pruned"}) > 20
    new = [one for one in everything(world) if one["at"].date() > newest]
    assert check(world, [*documents, *new], since=newest + DAY) > 3


def _check_balances(world: World, day: date) -> None:
    """The rows of a day hold the balances of all documents up to it."""
    last = {one["account"]: one for one in sorted(everything(world), key=lambda one: one["at"])}
    rows = [one for one in world.rows() if one["partition_date"] == day.isoformat()]
    assert rows
    for row in rows:
        values = [one["n"] for one in last.values() if one["country"] == row["country"]]
        assert row["owed"] == sum(values)


def test_balances_of_all_time_are_those_of_every_day(world: World) -> None:
    """Cumulated without an end, a balance is the first or last value that each key ever had."""
    plain = tuple(replace(one, carry=None) for one in BALANCES)
    ever = tuple(Metric(f"{one.name}_ever", "cumulative", metric=one.name) for one in plain)
    subject = replace(SUBJECT, metrics=(count("orders"), *plain, *ever), grains=(Grain.DAY, Grain.WEEK))
    newest = more(world, begun(world, 12, subject), 2, subject)
    documents = sorted(everything(world), key=lambda one: one["at"])
    weeks = [(row, date.fromisoformat(row["partition_date"]) + 6 * DAY) for row in world.rows("daily_week")]
    rows = [(row, date.fromisoformat(row["partition_date"])) for row in world.rows()] + weeks
    assert max(day for _, day in rows) >= newest
    for row, day in rows:
        until = [one for one in documents if one["at"].date() <= day]
        for name, found in (("owed_ever", until), ("owing_ever", until[::-1])):
            kept = {one["account"]: one for one in found}.values()
            assert row[name] == sum(one["n"] for one in kept if one["country"] == row["country"]), row["_id"]

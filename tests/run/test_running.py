"""Running states: what a daily run reads, when a state no longer holds, killed anywhere, and whose it is."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from bson import Decimal128
from pymongo import MongoClient

from dashpipe.compile.passes import PASSES
from dashpipe.run import lacking, record, run_all, state, takeover
from dashpipe.run.base import Request
from dashpipe.run.errors import Refused
from dashpipe.run.transform import running
from dashpipe.spec.model import Grain, Lookback, Metric, Period, Subject, Target
from tests.conftest import PROFILE
from tests.run import shop, stage, victim
from tests.run.stage import Stage
from tests.run.watch import asked, documents_read, watching
from tests.run.world import SUBJECT as PLAIN
from tests.run.world import World, count, total

Document = dict[str, Any]

STATE = "daily__state"
FIRST = date(2024, 1, 1)
MERGED = (
    count("orders"),
    total("items", "n"),
    total("paid", "price"),
    Metric("most", "max", source="orders", expr="n"),
    Metric("spread", "variance", source="orders", expr="n", population=True),
    Metric("latest", "last", source="orders", expr="n"),
)
EVER = tuple(Metric(f"{one.name}_ever", "cumulative", metric=one.name) for one in MERGED)
SUBJECT = replace(
    PLAIN,
    metrics=(*MERGED, *EVER),
    grains=(Grain.DAY, Grain.MONTH),
    lookback=Lookback(dense=2),
)
#: Values of the time before, of all of it or of a week; few orders have one.
CARRIED = tuple(
    Metric(name, type_, source="orders", expr="n", where="n > 45", carry=carry, grains=(Grain.DAY,))
    for name, type_, carry in (
        ("held", "last", "always"),
        ("opened", "first", "always"),
        ("recent", "last", Period(7, "day")),
    )
)
BEGAN = Metric("began", "cumulative", metric="orders", period_agg="first")
#: `make test` stops a run before a few of its writes, .ci/run before more.
STRIDE = 14 if PROFILE == "ci" else 40


def order(number: int, day: date, country: str | None = None) -> Document:
    """An order of a day; its values follow from its number."""
    midnight = datetime(day.year, day.month, day.day, tzinfo=timezone.utc)
    return {
        "_id": number,
        "at": midnight + timedelta(hours=number % 24, milliseconds=number),
        "country": country or ("DE", "FR", "GB")[number % 3],
        "n": number * 37 % 101 - 40,
        "price": Decimal128(f"{number % 17}.25"),
    }


def morning(day: date) -> datetime:
    """When the daily run after a day begins."""
    return datetime(day.year, day.month, day.day, 3, tzinfo=timezone.utc) + timedelta(days=1)


def go(world: World, subject: Subject, now: date, *days: date, run_id: str = "") -> Document:
    """The run of the morning after a day; of some days by name, or as the schedule makes it."""
    asked = {"start": days[0], "end": days[-1] + timedelta(days=1)} if days else {}
    request = Request(subject, run_id or f"test/{now}/{days}", "command", now=morning(now), **asked)
    done: Document = run_all(request, world.setup)["steps"]
    return done


def check(world: World, newest: date) -> None:
    """Every row that is published has the totals of all documents up to its partition's end."""
    documents = list(world.source["orders"].find().sort("at", 1))
    for name, grain in (("daily", Grain.DAY), ("daily_month", Grain.MONTH)):
        for row in world.rows(name):
            start = date.fromisoformat(row["partition_date"])
            after = (start.replace(day=1) + timedelta(days=32)).replace(day=1)
            end = start + timedelta(days=1) if grain is Grain.DAY else min(after, newest + timedelta(days=2))
            mine = [one for one in documents if one["country"] == row["country"]]
            ever = [one for one in mine if one["at"].date() < end]
            values = [one["n"] for one in ever]
            mean = sum(values) / len(values)
            about = (name, row["_id"])
            assert row["orders_ever"] == len(ever), about
            assert row["items_ever"] == sum(values), about
            paid = sum((one["price"].to_decimal() for one in ever), Decimal())
            assert row["paid_ever"].to_decimal() == paid, about
            assert row["most_ever"] == max(values), about
            wanted = sum((one - mean) ** 2 for one in values) / len(values)
            assert row["spread_ever"] == pytest.approx(wanted, rel=1e-9, abs=1e-9), about
            assert row["latest_ever"] == values[-1], about
            if "held" in row:
                high = [one for one in ever if one["n"] > 45]
                own = [one["n"] for one in high if one["at"].date() == start]
                assert row["held"] == (high[-1]["n"] if high else None), about
                assert row["opened"] == (own[0] if own else row["held"]), about
            if "recent" in row:
                week = [one["n"] for one in high if one["at"].date() >= start - timedelta(days=7)]
                assert row["recent"] == (week[-1] if week else None), about
            if "began" in row:
                assert row["began"] == sum(1 for one in mine if one["at"].date() <= start), about


def stamp(world: World, atom: str = "day") -> Document | None:
    """The stamp of the running state."""
    found = world.target[STATE].find_one({"_id": f"stamp|{atom}|orders"})
    return None if found is None else found["stamp"]


@contextmanager
def without() -> Iterator[None]:
    """Runs that keep nothing running; plans of the same specs are not taken from before, nor left behind."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delitem(PASSES, "running")
        record._planned.cache_clear()
        yield
    record._planned.cache_clear()


def begun(world: World, days: int, subject: Subject = SUBJECT) -> date:
    """Documents of some days, published in one run, and the daily run after that; the newest day."""
    world.fill([order(number, FIRST + timedelta(days=number // 2)) for number in range(2 * days)])
    newest = FIRST + timedelta(days=days - 2)
    go(world, subject, newest, FIRST, newest)
    go(world, subject, newest + timedelta(days=1))
    return newest + timedelta(days=1)


def forget(world: World, until: str) -> None:
    """Take the states out of the rows up to a day, as nothing but a test does: who reads them is wrong."""
    world.target["daily"].update_many({"partition_date": {"$lte": until}}, {"$unset": {"_state": ""}})


@pytest.mark.slow  # long on the Python build; .ci/run has it on the native one
def test_a_daily_run_does_not_read_the_states_of_old_days(
    world: World,
) -> None:
    """With the states of all days that the running state takes gone, all is right; without it, wrong."""
    metrics = (*SUBJECT.metrics, *CARRIED[:2])
    subject = replace(SUBJECT, metrics=metrics)
    newest = begun(world, 70, subject)
    check(world, newest)
    held = stamp(world)
    assert held is not None
    assert held["reach"] == (newest - timedelta(days=3)).isoformat()
    forget(world, held["reach"])
    for more in range(1, 3):
        day = newest + timedelta(days=more)
        world.source["orders"].insert_many([order(1000 + 10 * more + n, day) for n in range(6)])
        done = go(world, subject, day)
        assert done["transform"]["reached"]["day"]["orders"] == {"states": 3, "source": 0}
        check(world, day)
    with without():
        go(world, subject, newest + timedelta(days=2), run_id="test/without")
    with pytest.raises(AssertionError):
        check(world, newest + timedelta(days=2))


@pytest.mark.slow  # long on the Python build; .ci/run has it on the native one
def test_a_daily_run_costs_the_same_whatever_lies_behind_it(world: World) -> None:
    """On ten times the history it reads as many documents, of each collection, in as many commands."""
    subject = replace(SUBJECT, catch_up_days=7, metrics=(*SUBJECT.metrics, *CARRIED))
    read, sent = [], []
    for last in (date(2024, 1, 19), date(2024, 7, 19)):  # as far into their months
        world.target.client.drop_database(world.target.name)
        newest = begun(world, (last - FIRST).days + 1, subject)
        day = newest + timedelta(days=1)
        world.source["orders"].insert_many([order(5000 + n, day) for n in range(6)])
        with watching() as commands:
            done = go(world, subject, day)
        assert done["transform"]["reached"]["day"]["orders"] == {"states": 3, "source": 0}
        check(world, day)
        read.append(documents_read(world, commands))
        sent.append(sum(asked(commands).values()))
    assert world.source["orders"].count_documents({}) > 400
    # Where no document of a run has a field, a fixed number of days before is looked at.
    assert all(one.pop(state.VALUES) <= lacking.BEFORE + 20 for one in read)
    assert read[0] == read[1]
    assert read[0]["orders"] < 20
    assert sent[0] == sent[1]


def test_what_a_run_knows_it_asks_once(world: World) -> None:
    """Stamp, number and ledger of a state, and what lies before the start: once for all grains."""
    newest = begun(world, 20)
    with watching() as commands:
        go(world, SUBJECT, newest + timedelta(days=1))
    found = asked(commands)
    assert found["find", STATE] == 1
    counts = [one for one in commands if one.get("aggregate") == STATE]
    assert len(counts) == 1
    first = datetime(2024, 1, 1, tzinfo=timezone.utc)
    finds = [one for one in commands if "find" in one]
    reads = [one["pipeline"][0]["$match"] for one in commands if one.get("aggregate") == "orders"]
    assert sum(one.get("at", {}).get("$lt") == first for one in reads) == 1
    assert sum("fence" in one["filter"] for one in finds if one["find"] == state.PARTITIONS) == 1


def test_it_holds_while_old_days_are_pruned(world: World) -> None:
    """What was merged before its rows went goes on; once it is lost, the source is read at once."""
    subject = replace(
        SUBJECT, target=Target("daily", retention_days=10), grains=(Grain.DAY,), catch_up_days=5
    )
    newest = begun(world, 40, replace(subject, target=Target("daily")))
    for more in range(1, 4):
        day = newest + timedelta(days=more)
        world.source["orders"].insert_many([order(1000 + 10 * more + n, day) for n in range(3)])
        done = go(world, subject, day)
        assert done["transform"]["reached"]["day"]["orders"] == {"states": 3, "source": 0}
        check(world, day)
    assert world.target[state.PARTITIONS].count_documents({"state": "pruned"}) > 20
    world.target[STATE].delete_many({})
    with watching() as commands:
        done = go(world, subject, newest + timedelta(days=4))
    assert done["transform"]["reached"]["day"]["orders"] == {"states": 0, "source": 3}
    assert documents_read(world, commands)[state.PARTITIONS] < 40
    check(world, newest + timedelta(days=4))


def test_what_was_pruned_unread_is_not_in_it(world: World) -> None:
    """A stale day that another spec prunes, before any run computes it again: the state does not hold."""
    subject = replace(
        SUBJECT, target=Target("daily", retention_days=10), grains=(Grain.DAY,), catch_up_days=5
    )
    newest = begun(world, 30, replace(subject, target=Target("daily")))
    old = newest - timedelta(days=15)
    world.source["orders"].insert_one(order(5000, old, "GB"))
    stale = {"grain": "day", "label": old.isoformat()}
    assert world.target[state.PARTITIONS].update_one(stale, {"$set": {"state": "stale"}}).modified_count
    go(world, replace(subject, metrics=MERGED), newest + timedelta(days=1))
    row = world.target[state.PARTITIONS].find_one(stale)
    assert row is not None
    assert row["state"] == "pruned"
    day = newest + timedelta(days=2)
    world.source["orders"].insert_one(order(5001, day, "GB"))
    go(world, subject, day)
    documents = list(world.source["orders"].find({"country": "GB"}))
    new = world.target["daily"].find_one({"_id": f"{day.isoformat()}|GB"})
    assert new is not None
    assert new["orders_ever"] == len(documents)


def test_it_goes_on_over_days_that_fell_out_of_the_lookback(world: World) -> None:
    """Once it is a week behind it is made anew, from itself and the days since; the old generation goes."""
    newest = begun(world, 40)
    first = stamp(world)
    assert first is not None
    forget(world, first["reach"])
    for more in range(1, running.BEHIND[Grain.DAY] + 1):
        day = newest + timedelta(days=more)
        world.source["orders"].insert_many([order(1000 + 10 * more + n, day) for n in range(3)])
        go(world, SUBJECT, day)
        assert (stamp(world) == first) is (more < running.BEHIND[Grain.DAY])
        check(world, day)
    then = stamp(world)
    assert then is not None
    assert then["reach"] > first["reach"]
    assert world.target[STATE].distinct("gen") == [then["gen"]]


def test_a_change_before_its_day_makes_it_anew(world: World) -> None:
    """A late document of an old day: all later totals are restated, and the state is of before that day."""
    newest = begun(world, 50)
    old = FIRST + timedelta(days=20)
    world.source["orders"].insert_one(order(5000, old))
    done = go(world, SUBJECT, newest, old)
    assert done["transform"]["dependants"]["day"] == (newest - old).days + 1
    check(world, newest)
    held = stamp(world)
    assert held is not None
    assert held["reach"] == (old - timedelta(days=1)).isoformat()
    go(world, SUBJECT, newest + timedelta(days=1))
    check(world, newest + timedelta(days=1))


def test_one_that_another_spec_passed_by_is_not_used(world: World) -> None:
    """An old day restated while no metric was of all time: the state of before is recognised as stale."""
    newest = begun(world, 50)
    before = stamp(world)
    old = FIRST + timedelta(days=20)
    world.source["orders"].insert_many([order(5000 + n, old) for n in range(3)])
    go(world, replace(SUBJECT, metrics=MERGED), newest, old)
    assert stamp(world) == before
    for more in (1, 2):
        go(world, SUBJECT, newest + timedelta(days=more))
    found = [one for one in world.rows() if one["partition_date"] == newest.isoformat()]
    documents = list(world.source["orders"].find())
    for row in found:
        assert row["orders_ever"] == sum(one["country"] == row["country"] for one in documents)


def test_another_metric_makes_it_anew(world: World) -> None:
    """A total that the state does not have is not read from it."""
    less = replace(SUBJECT, metrics=(*MERGED, EVER[0]))
    newest = begun(world, 40, less)
    before = stamp(world)
    assert before is not None
    go(world, SUBJECT, newest, FIRST, newest)
    check(world, newest)
    go(world, SUBJECT, newest + timedelta(days=1))
    after = stamp(world)
    assert after is not None
    assert len(after["leaves"]) > len(before["leaves"])


def test_a_total_as_of_the_first_day_of_a_month_reaches_no_further(world: World) -> None:
    """What longer partitions take as of their first day must not have more in the state than that."""
    first = replace(SUBJECT, metrics=(*SUBJECT.metrics, BEGAN))
    newest = begun(world, 70, first)
    held = stamp(world)
    assert held is not None
    assert held["reach"] == "2024-02-29"
    forget(world, held["reach"])
    go(world, first, newest + timedelta(days=1))
    check(world, newest + timedelta(days=1))


def test_values_of_days_are_the_same_without_it(world: World) -> None:
    """What is made of the totals of a period's days is not taken from a state that holds half of them."""
    days = [
        Metric(f"orders_{how}", "cumulative", metric="orders", period_agg=how) for how in ("average", "min")
    ]
    subject = replace(SUBJECT, metrics=(*SUBJECT.metrics, *days))
    newest = begun(world, 50, subject)
    day = newest + timedelta(days=1)
    world.source["orders"].insert_many([order(1000 + n, day) for n in range(6)])
    go(world, subject, day)
    assert stamp(world) is not None
    check(world, day)
    with without():
        counts = go(world, subject, day, run_id="test/without")["load"]["counts"]
    assert {name: (one["inserted"], one["changed"], one["removed"]) for name, one in counts.items()} == {
        "day": (0, 0, 0),
        "month": (0, 0, 0),
    }


def test_what_does_not_hold_and_is_not_replaced_goes(world: World) -> None:
    """A run from the first day on leaves no running state behind: nothing lies before it."""
    newest = begun(world, 20)
    assert stamp(world) is not None
    go(world, SUBJECT, newest, FIRST)
    assert stamp(world) is None
    assert world.target[STATE].count_documents({}) == 0
    check(world, newest)


def test_one_that_lost_documents_is_not_used(world: World) -> None:
    """A generation that is not there as a whole does not count."""
    newest = begun(world, 30)
    world.target[STATE].delete_one({"k.country": "DE"})
    go(world, SUBJECT, newest + timedelta(days=1))
    check(world, newest + timedelta(days=1))


def test_its_collection_is_no_other_subjects(world: World) -> None:
    """What one subject keeps its running states in is refused as the target of another."""
    newest = begun(world, 10)
    other = replace(PLAIN, name="other", target=Target(STATE))
    with pytest.raises(Refused, match=r"daily__state is the target of shop_dash_daily_v1"):
        go(world, other, newest)


KILLED = replace(
    shop.SUBJECT,
    metrics=(
        *shop.SUBJECT.metrics,
        Metric("amount_ever", "cumulative", metric="amount"),
        Metric("spend_ever", "cumulative", metric="spend"),
        Metric(
            "held",
            "last",
            source="orders",
            expr="amount",
            per=("buyer",),
            carry="always",
            grains=(Grain.DAY,),
        ),
        Metric(
            "back", "retention", "orders", entity="buyer", period=Grain.WEEK, periods=1, grains=(Grain.WEEK,)
        ),
    ),
)
RUN = "dag/victim"
WEEK = shop.NOW + 7 * shop.DAY
OLD = shop.FIRST + timedelta(days=9)


@dataclass(frozen=True)
class Turn:
    """A run that is stopped before some of its writes (``of``: to collections with that in their name).

    ``later`` is when the daily run after it begins.
    """

    asked: Document
    later: datetime
    of: str
    stride: int

    def start(self, here: Stage, number: int, kind: signal.Signals) -> Any:
        """Start that run in a process of its own."""
        about = (here.uri, here.source.name, here.target.name)
        asked = {"subject": KILLED, "run_id": RUN, **self.asked}
        return victim.start(*about, number, kind, of=self.of, **asked)

    def writes(self, before: Stage) -> int:
        """How many such writes it makes."""
        with before.copied() as here:
            process, told = self.start(here, 0, signal.SIGKILL)
            process.join()
            assert process.exitcode == 0
            return int(told.value)


#: A run of an old day makes the state anew, a daily run lets it go on.
TURNS = {
    "restates": Turn({"start": OLD, "end": OLD + shop.DAY, "now": shop.NOW}, shop.NOW + shop.DAY, "", STRIDE),
    "advances": Turn({"now": WEEK + shop.DAY}, WEEK + 2 * shop.DAY, "state", 4 if PROFILE == "quick" else 1),
}


@pytest.fixture(autouse=True)
def _patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait a moment, not a minute, for writes of a dead run that the server does not show: there are none."""
    monkeypatch.setattr(takeover, "LONGEST_WRITE", 0.2)


@pytest.fixture(scope="module", params=TURNS, ids=str)
def before(
    request: pytest.FixtureRequest, mongo: MongoClient[Document], mongo_uri: str
) -> Iterator[tuple[Stage, Turn]]:
    """A shop with all its days published and a running state, and since then more orders.

    Those of an old day are late; those of the days after come before the run that is told of, which publishes
    the week without moving the state.
    """
    turn = TURNS[request.param]
    with stage.open_stage(mongo, mongo_uri) as one:
        one.go("dag/first", subject=KILLED)
        one.go("dag/second", subject=KILLED)
        if turn.later < WEEK:
            noon = shop.at(f"{OLD.isoformat()} 12:00")
            more = [shop.order(2000 + n, noon, amount=50 + n, changed_at=shop.NOW) for n in range(4)]
            one.source["orders"].insert_many(more)
        else:
            days = [shop.NOW + n * shop.DAY for n in range(1, 9)]
            one.source["orders"].insert_many([shop.order(2000 + n, day) for n, day in enumerate(days)])
            one.go("dag/week", subject=KILLED, start=shop.NOW.date(), end=WEEK.date(), now=WEEK)
        yield one, turn


def kept(here: Stage) -> list[Document]:
    """What is kept: states and stamps, without whose run they are of."""
    return list(here.target["dash_daily__state"].find({}, {"_meta": 0}).sort("_id", 1))


def assert_whole(documents: list[Document], about: str) -> None:
    """The generation that counts is there as a whole, of each source.

    One that a killed run replaced may be left beside it: it goes with the next.
    """
    stamps = [one["stamp"] for one in documents if "stamp" in one]
    assert len(stamps) == 4, about
    for one in stamps:
        assert sum(other.get("gen") == one["gen"] for other in documents) >= one["n"] > 0, about


def time_passes(here: Stage) -> None:
    """Let the time pass after which a server ends transactions, and a lease runs out."""
    here.client.admin.command({"killAllSessions": []})
    shop.expire(here.target)


@pytest.mark.slow  # many runs and processes; `make test` kills plain runs
def test_killed_before_any_write_then_again(before: tuple[Stage, Turn]) -> None:
    """With kill −9 before the n-th write, then that run again or not, and a daily run: all is right.

    Right is what the same runs give that keep nothing running.
    """
    first, turn = before
    daily = {"subject": KILLED, "now": turn.later}
    with first.copied() as here, without():
        here.go(RUN, subject=KILLED, **turn.asked)
        here.go("dag/next", **daily)
        rows = here.rows()
        assert kept(here) == kept(first)
    for number in range(2, turn.writes(first) + 1, turn.stride):
        with first.copied() as here:
            process, _ = turn.start(here, number, signal.SIGKILL)
            process.join()
            assert process.exitcode == -signal.SIGKILL
            time_passes(here)
            if number % 4:
                here.go(RUN if number % 2 else "dag/another", subject=KILLED, **turn.asked)
            here.go("dag/next", **daily)
            said = f"killed before write {number}"
            assert here.rows() == rows, said
            assert here.target[state.PARTITIONS].find_one({"state": {"$ne": "published"}}) is None, said
            assert_whole(kept(here), said)
            assert shop.staged(here.target) == [], said


@pytest.mark.slow  # many runs and processes; `make test` kills plain runs
@pytest.mark.parametrize("before", ["advances"], indirect=True)
def test_a_run_that_wakes_up_after_its_turn_changes_no_state(before: tuple[Stage, Turn]) -> None:
    """Paused before a write of the state, overtaken by another run, and woken: all is as the other left."""
    first, turn = before
    old = kept(first)
    for number in range(1, turn.writes(first) + 1, 2 * turn.stride):
        with first.copied() as here:
            process, told = turn.start(here, number, signal.SIGSTOP)
            victim.paused(process.pid)
            time_passes(here)
            # The other run sees one order more, so that what the first one would write is told apart.
            more = shop.order(3000, WEEK - 2 * shop.DAY, status="paid", amount=100_000)
            here.source["orders"].insert_one(more)
            try:
                here.go("dag/another", subject=KILLED, **turn.asked)
            finally:
                here.source["orders"].delete_one({"_id": 3000})
            rows, mine = here.rows(), kept(here)
            assert mine != old
            os.kill(process.pid, signal.SIGCONT)
            process.join()
            about = f"paused before write {number}, {told.value.decode()}"
            assert (here.rows(), kept(here)) == (rows, mine), about
            assert shop.is_free(here.target), about

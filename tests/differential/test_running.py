"""Totals of all time, whatever runs there are and whatever documents come and go between them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import date, datetime, timedelta, timezone
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashpipe.run import log, run_all
from dashpipe.run.base import Request
from dashpipe.run.transform import running
from dashpipe.spec.model import Field, Grain, Input, Lookback, Metric, Period, Subject
from tests.differential import runs
from tests.run.world import SUBJECT as PLAIN
from tests.run.world import World, count, total

pytestmark = pytest.mark.differential

Document = dict[str, Any]

FEW = max(3, settings().max_examples // 25)
FIRST = date(2024, 1, 26)
HOUR = timedelta(hours=1)
SOURCE = replace(PLAIN.sources[0], fields=(*PLAIN.sources[0].fields, Field("account", "integer")))
SUBJECT = replace(
    PLAIN,
    sources=(SOURCE,),
    start=FIRST.isoformat(),
    metrics=(
        count("orders"),
        total("items", "n"),
        Metric("latest", "last", source="orders", expr="n"),
        Metric("ever", "cumulative", metric="orders"),
        Metric("items_ever", "cumulative", metric="items"),
        Metric("latest_ever", "cumulative", metric="latest"),
        Metric("part", "share", metric="ever", of=()),
    ),
    lookback=Lookback(dense=2, sparse=(5,)),
)
BEGAN = Metric("began", "cumulative", metric="orders", period_agg="first")
GAINED = Metric(
    "before",
    "derived",
    expr="last",
    inputs=(Input("ever", "last", offset=Period(2, "day")),),
    grains=(Grain.DAY,),
)
#: The last value above 20, else the one of before; at the other end of the partition, the first.
CARRIED = tuple(
    Metric(name, type_, source="orders", expr="n", where="n > 20", carry="always")
    for name, type_ in (("held", "last"), ("opened", "first"))
)
CARRIED_BEFORE, OWED_BEFORE = (
    Metric(
        f"{name}_before",
        "derived",
        expr="kept",
        inputs=(Input(name, "kept", offset=Period(2, "day")),),
        grains=(Grain.DAY,),
    )
    for name in ("held", "owed")
)
#: Of each account, wherever its documents lie: the last value, and the first of the partition.
BALANCES = tuple(
    Metric(name, type_, source="orders", expr="n", where="n > -20", per=("account",), carry="always")
    for name, type_ in (("owed", "last"), ("owing", "first"))
)
#: Who comes back, of each account that is new in a day, or in a week.
BACK = tuple(
    Metric(
        name, "retention", "orders", entity="account", period=period, periods=n, where=where, grains=(period,)
    )
    for name, period, n, where in (("back", Grain.DAY, 3, None), ("back_week", Grain.WEEK, 1, "n > 0"))
)
GRAINS = ((Grain.DAY,), (Grain.DAY, Grain.WEEK, Grain.MONTH), (Grain.HOUR, Grain.DAY))


@pytest.fixture(scope="module")
def worlds(mongo_uri: str, second_uri: str) -> Iterator[dict[str, World]]:
    """A world for each route, shared by all cases: each leaves it empty."""
    with ExitStack() as stack:
        others = {"server": None, "cursor": second_uri}
        name = f"running_{os.getpid()}"
        yield {
            route: stack.enter_context(runs.opened(mongo_uri, f"{name}_{route}", other))
            for route, other in others.items()
        }


@st.composite
def subjects(draw: Any) -> Subject:
    """A subject with totals of all time, at some grains."""
    grains = draw(st.sampled_from(GRAINS))
    more = (*([BEGAN] if draw(st.booleans()) else []), *([GAINED] if draw(st.booleans()) else []))
    carried = (*CARRIED, *([CARRIED_BEFORE] if draw(st.booleans()) else []))
    own, every = SUBJECT.metrics[:3], (*SUBJECT.metrics, *more)
    back = tuple(one for one in BACK if one.period in grains)
    metrics = (
        (*own, *back),
        (*every, *BALANCES, *back),
        (*own, *BALANCES),
        (*own, *BALANCES, OWED_BEFORE),
        (*own, *carried),
        (*every, *carried),
        (*every, *BALANCES),
        every,
    )
    target = replace(SUBJECT.target, retention_days=draw(st.sampled_from([None, None, 9])))
    return replace(SUBJECT, grains=grains, metrics=draw(st.sampled_from(metrics)), target=target)


DAY = st.integers(0, 15)
#: What happens one after the other: the run of the morning after some days, documents that come late or go
#: and the run of their day, or a run of some days in which nothing changed.
EVENTS = st.lists(
    st.one_of(
        st.tuples(st.just("morning"), st.integers(1, 4)),
        st.tuples(st.just("morning"), st.integers(1, 2)),
        st.tuples(st.just("late"), DAY),
        st.tuples(st.just("gone"), DAY),
        st.tuples(st.just("same"), DAY),
    ),
    min_size=4,
    max_size=7,
)


def document(number: int, day: date) -> Document:
    """An order of a day; its values follow from its number."""
    midnight = datetime(day.year, day.month, day.day, tzinfo=timezone.utc)
    at = midnight + timedelta(hours=number * 7 % 24, milliseconds=number)
    return {
        "_id": number,
        "at": at,
        "country": ("DE", None, "FR")[number % 3],
        "n": number * 37 % 101 - 40,
        "account": (number * 3 % 5) or None,
    }


def go(world: World, subject: Subject, as_of: datetime, number: int, *days: date) -> None:
    """The run that the schedule makes, or that of some days."""
    asked = {"start": days[0], "end": days[-1] + timedelta(days=1)} if days else {}
    request = Request(subject, f"command/{number}", now=as_of, allow_removal=True, **asked)
    run_all(request, replace(world.setup, log=log.silent), tries=1)


def end_of(row: Document, as_of: datetime | None = None) -> datetime:
    """The end of a row's partition; with ``as_of`` at most the end of the day (or hour) that has begun."""
    day = date.fromisoformat(row["partition_date"])
    start = datetime(day.year, day.month, day.day, tzinfo=timezone.utc)
    if row["grain"] == "hour":
        return start + HOUR * (int(row["partition_hour"][:2]) + 1)
    days = {"day": 1, "week": 7}.get(row["grain"])
    if days is None:
        days = ((day.replace(day=1) + timedelta(days=32)).replace(day=1) - day).days
    if as_of is None:
        return start + timedelta(days=days)
    today = as_of.replace(hour=0, minute=0, second=0, microsecond=0)
    return min(start + timedelta(days=days), max(start, today) + timedelta(days=1))


def check(world: World, subject: Subject, as_of: datetime) -> None:
    """Every row that is published says what all documents up to its end make."""
    documents = list(world.source["orders"].find().sort("at", 1))
    for grain in subject.grains:
        found = runs.published(world, subject, grain)
        for row in found:
            start = datetime.fromisoformat(f"{row['partition_date']}T00:00:00+00:00")
            end = end_of(row, as_of)
            all_ = [one for one in documents if one["at"] < end]
            ever = [one for one in all_ if one["country"] == row["country"]]
            if "ever" in row:
                assert row["ever"] == len(ever), row["_id"]
                assert row["items_ever"] == sum(one["n"] for one in ever), row["_id"]
                assert row["latest_ever"] == ever[-1]["n"], row["_id"]
                assert row["part"] == pytest.approx(len(ever) / len(all_)), row["_id"]
            # What is carried is as of the partition's own end, also where that lies ahead.
            begin = start + HOUR * int(row.get("partition_hour", "00")[:2])
            carried = [one for one in documents if one["at"] < end_of(row)]
            if "held" in row:
                high = [one for one in carried if one["n"] > 20 and one["country"] == row["country"]]
                own = [one["n"] for one in high if one["at"] >= begin]
                assert row["held"] == (high[-1]["n"] if high else None), row["_id"]
                assert row["opened"] == (own[0] if own else row["held"]), row["_id"]
            if "began" in row and grain is not Grain.HOUR:
                day = start + timedelta(days=1)
                assert row["began"] == sum(one["at"] < day for one in ever), row["_id"]
            before = start.date() - timedelta(days=2)
            if "before" in row and before >= FIRST:
                then = start - timedelta(days=1)
                assert row["before"] == sum(one["at"] < then for one in ever), row["_id"]
            if "owed" in row:
                accounts = balances(carried, begin)
                assert row["owed"] == summed(accounts, "last", row["country"]), row["_id"]
                assert row["owing"] == summed(accounts, "first", row["country"]), row["_id"]
            if "owed_before" in row and before >= FIRST:
                then = start - timedelta(days=1)
                earlier = balances([one for one in all_ if one["at"] < then], start)
                assert row["owed_before"] == summed(earlier, "last", row["country"]), row["_id"]
            for metric in BACK:
                if metric.name in row and metric.period is grain:
                    wanted = shares(documents, metric, row, as_of)
                    assert row[metric.name] == wanted, (metric.name, row["_id"])
            if "held_before" in row and before >= FIRST:
                then = start - timedelta(days=1)
                found = [one["n"] for one in ever if one["n"] > 20 and one["at"] < then]
                assert row["held_before"] == (found[-1] if found else None), row["_id"]


def balances(documents: list[Document], begin: datetime) -> list[dict[str, Document]]:
    """Of each account its last document, and the first since an instant, else the last before it."""
    found: dict[Any, dict[str, Document]] = {}
    for one in documents:
        if one["n"] > -20:
            mine = found.setdefault(one["account"], {"first": one})
            if one["at"] < begin or mine["first"]["at"] < begin:
                mine["first"] = one
            mine["last"] = one
    return list(found.values())


def summed(found: list[dict[str, Document]], which: str, country: str | None) -> int | None:
    """The balances that count in a row; null where none does."""
    values = [one[which]["n"] for one in found if one[which]["country"] == country]
    return sum(values) if values else None


def shares(documents: list[Document], metric: Metric, row: Document, as_of: datetime) -> list[Any] | None:
    """Of the accounts that are new in a row, the shares that come back in it and in the periods after it."""
    length = timedelta(days=1 if metric.period is Grain.DAY else 7)
    start = datetime.fromisoformat(f"{row['partition_date']}T00:00:00+00:00")
    mine = [one for one in documents if one["country"] == row["country"] and one["account"] is not None]
    known = {one["account"] for one in mine if one["at"] < start}
    new = {one["account"] for one in mine if start <= one["at"] < start + length} - known
    again = [one for one in mine if metric.where is None or one["n"] > 0]
    found: list[float | None] = []
    for begins in (start + length * later for later in range((metric.periods or 0) + 1)):
        came = {one["account"] for one in again if begins <= one["at"] < begins + length}
        found.append(len(new & came) / len(new) if new and begins < as_of else None)
    return found if new else None


@pytest.mark.slow  # long on the Python build; .ci/run has it on the native one
@settings(max_examples=FEW)
@given(
    subject=subjects(),
    events=EVENTS,
    numbers=st.lists(DAY, min_size=10, max_size=40),
    route=st.sampled_from(["server", "server", "cursor"]),
    behind=st.sampled_from([1, 1, 3]),
)
def test_whatever_happens_the_totals_are_right(
    worlds: dict[str, World],
    subject: Subject,
    events: list[tuple[str, int]],
    numbers: list[int],
    route: str,
    behind: int,
) -> None:
    """After every run all rows are right, whichever running state it went on from, and none is left over."""
    world, newest, number = worlds[route], FIRST + timedelta(days=8), len(numbers)
    documents = [document(at, FIRST + timedelta(days=day)) for at, day in enumerate(numbers)]
    with (
        runs.loaded(world, {"orders": documents}),
        patch.dict(running.BEHIND, {Grain.DAY: behind, Grain.HOUR: behind}),
    ):
        for at, (what, n) in enumerate([("morning", 0), *events]):
            newest += timedelta(days=n if what == "morning" else 0)
            midnight = datetime(newest.year, newest.month, newest.day, tzinfo=timezone.utc)
            as_of = midnight + timedelta(hours=23, minutes=59)
            day = FIRST + timedelta(days=n % (newest - FIRST).days)
            start = datetime(day.year, day.month, day.day, tzinfo=timezone.utc)
            if what == "late":
                world.source["orders"].insert_many([document(number + more, day) for more in range(2)])
                number += 2
            if what == "gone":
                inside = {"$gte": start, "$lt": start + timedelta(days=1)}
                world.source["orders"].delete_many({"at": inside})
            go(world, subject, as_of, at, *([] if what == "morning" else [day]))
            check(world, subject, as_of)
        (name,) = [one for one in world.target.list_collection_names() if one.endswith("__state")] or [""]
        found = list(world.target[name].find()) if name else []
        counted = {(one["_id"], one["stamp"]["gen"]) for one in found if "stamp" in one}
        kept = {(f"stamp|{one['grain']}|{one['source']}", one["gen"]) for one in found if "gen" in one}
        assert kept <= counted

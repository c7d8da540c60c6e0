"""Rows that are added for keys that had one: what runs publish equals a walk, in any pieces and order."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import date, datetime, time, timedelta, timezone
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashpipe.spec.model import (
    WEEKDAYS,
    Dimension,
    Field,
    Fill,
    Grain,
    Input,
    Metric,
    Period,
    Source,
    Subject,
    Target,
    Time,
)
from tests.compile.calendars import fiscals
from tests.differential import runs
from tests.differential.reaching import Document, Value, Walk, earlier, first_day, last_day
from tests.differential.subjects import Case
from tests.differential.test_reach import WHERES, same
from tests.run.world import World

pytestmark = pytest.mark.differential

FEW = max(4, settings().max_examples // 8)
ZONES = ("Europe/London", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu")
DAYS = (date(2024, 2, 28), date(2024, 3, 30), date(2024, 11, 2), date(2021, 1, 2))
LENGTHS = (Period(1, "day"), Period(3, "day"), Period(1, "week"), Period(30, "day"), Period(1, "month"))
LENGTHS += (Period(2, "week"), Period(1, "fiscal_month"))
VALUES = (0, 7, None)


@pytest.fixture(scope="module")
def worlds(mongo_uri: str, second_uri: str) -> Iterator[dict[str, World]]:
    """A world for each route, shared by all cases: each leaves it empty."""
    with ExitStack() as stack:
        others = {"server": None, "cursor": second_uri}
        name = f"fill_{os.getpid()}"
        yield {
            route: stack.enter_context(runs.opened(mongo_uri, f"{name}_{route}", other))
            for route, other in others.items()
        }


def fills(draw: Any) -> Fill | None:
    """A random fill, or none."""
    chosen = draw(st.sampled_from([None, *LENGTHS]))
    return None if chosen is None else Fill(draw(st.sampled_from(VALUES)), chosen)


@st.composite
def cases(draw: Any) -> tuple[Case, list[Document], list[Document], list[tuple[date, date]]]:
    """A case, the documents that come late, those that go again, and pieces of its days in any order."""
    day, tz = draw(st.sampled_from(DAYS)), draw(st.sampled_from(ZONES))
    order = (Grain.DAY, Grain.WEEK, Grain.MONTH, Grain.FISCAL_MONTH)
    grains = tuple(draw(st.lists(st.sampled_from(order), min_size=1, max_size=3, unique=True)))
    key = tuple(draw(st.lists(st.sampled_from(["c", "t"]), min_size=1, unique=True, max_size=2)))
    empty = {"has_empty": True, "empty": -1} if draw(st.booleans()) else {}
    subject = Subject(
        project="test",
        domain="diff",
        name="fill",
        version=1,
        timezone=tz,
        start=(day - timedelta(days=400)).isoformat(),
        sources=(
            Source(
                "docs",
                "docs",
                Time("at"),
                fields=(Field("n", "integer"), Field("s", "string"), *(Field(one, "string") for one in key)),
                dimensions=tuple(Dimension(one) for one in key),
            ),
        ),
        metrics=(
            Metric("lessons", "count", "docs", fill=Fill(0, draw(st.sampled_from(LENGTHS)))),
            Metric("minutes", "sum", "docs", expr="n", where="n > 1", fill=fills(draw), **empty),
            Metric("mean", "avg", "docs", expr="n", fill=fills(draw)),
            Metric("least", "min", "docs", expr="n", **empty),
            Metric("rate", "ratio", numerator="minutes", denominator="lessons", fill=fills(draw)),
            Metric("twice", "derived", expr="lessons + minutes"),
            Metric("week", "cumulative", metric="lessons", window=Period(7, "day"), fill=fills(draw)),
            Metric("month", "cumulative", metric="mean", to_date="month"),
            Metric("part", "share", metric="lessons", of=key[:1]),
            Metric(
                "growth",
                "derived",
                expr="lessons - before",
                inputs=(Input("lessons", "before", None, Period(1, "year")),),
                fill=fills(draw),
            ),
        ),
        target=Target("fill"),
        dimensions=tuple(Dimension(one) for one in key),
        grains=grains,
        week_start=draw(st.sampled_from(WEEKDAYS)),
        fiscal=draw(fiscals),
    )
    back = st.sampled_from([0, 1, 2, 3, 7, 8, 14, 30, 31, 40, 60, 365])
    documents = []
    for number in range(draw(st.integers(0, 14))):
        local = day - timedelta(days=draw(back))
        clock = time(draw(st.sampled_from([0, 12, 23])), 30)
        at = datetime.combine(local, clock, ZoneInfo(tz)).astimezone(timezone.utc)
        one: Document = {"_id": number, "at": at}
        one |= {"n": draw(st.sampled_from([None, 0, 1, 2, 3])), "s": "a"}
        one |= {name: draw(st.sampled_from([None, "x", "y|"])) for name in key}
        documents.append({name: value for name, value in one.items() if value is not None})
    first, end = day - timedelta(days=draw(st.sampled_from([0, 5, 35]))), day + timedelta(days=3)
    zone = ZoneInfo(tz)
    inside = [one for one in documents if first <= one["at"].astimezone(zone).date() < end]
    late = [one for one in inside if draw(st.integers(0, 2)) == 0]
    gone = [one for one in inside if one not in late and draw(st.integers(0, 2)) == 0]
    cuts = sorted(draw(st.sets(st.integers(1, (end - first).days - 1), max_size=3)))
    edges = [first, *(first + timedelta(days=one) for one in cuts), end]
    as_of = datetime(end.year, end.month, end.day, tzinfo=timezone.utc)
    over = draw(st.booleans())
    as_of += timedelta(days=60 if over else draw(st.sampled_from([-2, 1, 40])))
    if not over:  # what is not over runs back from the run's day, which the walk does not know
        plain = tuple(one for one in subject.metrics if one.type != "cumulative")
        subject = replace(subject, metrics=plain)
    case = Case(subject, {"docs": documents}, (first, end), as_of)
    pieces = [piece for piece in pairwise(edges) if runs.has_begun(case, piece)]
    return case, late, gone, draw(st.permutations(pieces))


def wanted(case: Case, documents: list[Document], grain: Grain) -> dict[tuple[Any, ...], dict[str, Any]]:
    """The rows of a grain, those of documents first, then what is added for the keys of these."""
    subject, calendar = case.subject, case.subject.calendar
    walk, names = Walk(subject, documents, WHERES), [one.name for one in subject.key]
    days = [case.days[0] + timedelta(days=at) for at in range((case.days[1] - case.days[0]).days)]
    days = [one for one in days if runs.has_begun(case, (one, one + timedelta(days=1)))]
    rows = walk.rows(grain, days)
    for first in sorted({first_day(grain, day, calendar) for day in days}):
        for key in {at[1:] for at in walk.rows(grain, days)}:
            own = [at[0] for at in walk.rows(grain, days) if at[1:] == key and at[0] < first]
            lengths = {one.fill.period for one in subject.metrics if one.fill is not None}
            led = {one for one in lengths if own and max(own) >= earlier(first, one, calendar)}
            if (first, *key) in rows or not led:
                continue
            row: dict[str, Any] = {"filled": Value(True, True)}
            for metric in subject.metrics:
                span = (first, last_day(grain, first, calendar))
                found = walk.value(metric, span, dict(zip(names, key)), (grain, first))
                row[metric.name] = found
                if metric.fill is not None and metric.fill.period in led and not found.matched:
                    row[metric.name] = Value(metric.fill.value, False)
            rows[(first, *key)] = row
    return rows


def check(world: World, case: Case, documents: list[Document]) -> None:
    """The published rows of every grain are exactly those of the walk."""
    key = [one.name for one in case.subject.key]
    for grain in case.subject.grains:
        expected = wanted(case, documents, grain)
        found = runs.published(world, case.subject, grain)
        rows = {(date.fromisoformat(one["partition_date"]), *(one[k] for k in key)): one for one in found}
        assert rows.keys() == expected.keys(), grain
        for at, row in rows.items():
            assert row.get("filled", False) is ("filled" in expected[at]), (grain, at)
            assert row["_state"] == {} or "filled" not in row
            for name, value in expected[at].items():
                assert name == "filled" or same(row[name], value), (grain, at, name, row[name], value)


@settings(max_examples=FEW)
@given(case=cases(), route=st.sampled_from(["server", "server", "cursor"]))
def test_added_rows_follow_from_a_keys_own(
    worlds: dict[str, World],
    case: tuple[Case, list[Document], list[Document], list[tuple[date, date]]],
    route: str,
) -> None:
    """Rows come and go with the key's own before them, wherever these are read; then nothing changes."""
    one, late, gone, pieces = case
    world, zone = worlds[route], ZoneInfo(one.subject.timezone)
    documents = one.documents["docs"]

    def again(changed: list[Document]) -> None:
        calendar, grains = one.subject.calendar, one.subject.grains
        touched = {
            (grain, first_day(grain, each["at"].astimezone(zone).date(), calendar))
            for each in changed
            for grain in grains
        }
        for start, end in reversed(pieces):
            days = [start + timedelta(days=at) for at in range((end - start).days)]
            if touched & {(grain, first_day(grain, day, calendar)) for day in days for grain in grains}:
                runs.run(world, one, days=(start, end))

    early = [each for each in documents if each not in late]
    with runs.loaded(world, {"docs": early}):
        for piece in pieces:
            runs.run(world, one, days=piece)
        check(world, one, early)
        if late:
            world.source["docs"].insert_many(late)
            again(late)
        check(world, one, documents)
        world.source["docs"].delete_many({"_id": {"$in": [each["_id"] for each in gone]}})
        again(gone)
        check(world, one, [each for each in documents if each not in gone])
        for piece in pieces[:1]:
            counts = runs.run(world, one, days=piece)["steps"]["load"]["counts"]
            assert all(each["inserted"] + each["changed"] + each["removed"] == 0 for each in counts.values())

"""Conversions, in whole runs on one cluster and on two, equal a walk over all events."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import date, datetime, timedelta, timezone
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashpipe.spec.model import (
    WEEKDAYS,
    Dimension,
    Events,
    Field,
    Grain,
    Metric,
    Period,
    Source,
    Subject,
    Target,
    Time,
)
from tests.compile.calendars import fiscals
from tests.differential import runs
from tests.differential.events import visits_and_orders
from tests.differential.reaching import Value, first_day, months_later
from tests.differential.subjects import Case
from tests.differential.test_reach import same
from tests.run.world import World

pytestmark = pytest.mark.differential

Document = dict[str, Any]

FEW = max(3, settings().max_examples // 4)
WINDOWS = (Period(1, "hour"), Period(1, "day"), Period(3, "day"), Period(1, "week"), Period(1, "month"))
GRAINS = ((Grain.DAY,), (Grain.DAY, Grain.MONTH), (Grain.WEEK,), (Grain.DAY, Grain.FISCAL_MONTH))
#: A clock change, a leap day, a new year.
DAYS = (date(2024, 3, 30), date(2024, 2, 28), date(2023, 12, 31))


@pytest.fixture(scope="module")
def worlds(mongo_uri: str, second_uri: str) -> Iterator[dict[str, World]]:
    """A world for each route, shared by all cases: each leaves it empty."""
    with ExitStack() as stack:
        others = {"server": None, "cursor": second_uri}
        name = f"conversion_{os.getpid()}"
        yield {
            route: stack.enter_context(runs.opened(mongo_uri, f"{name}_{route}", other))
            for route, other in others.items()
        }


def source(name: str, key: tuple[str, ...]) -> Source:
    """A source of events."""
    fields = (Field("who", "string"), Field("n", "integer"), *(Field(one, "string") for one in key))
    return Source(name, name, Time("at"), fields=fields, dimensions=tuple(Dimension(one) for one in key))


@st.composite
def cases(draw: Any) -> Case:
    """A random subject of conversions between two sources, or within one, over random events."""
    day, tz = draw(st.sampled_from(DAYS)), draw(st.sampled_from(["Europe/London", "Asia/Kathmandu"]))
    key = tuple(draw(st.lists(st.just("page"), max_size=1)))
    grains = tuple(draw(st.sampled_from(GRAINS)))
    same_source = draw(st.integers(0, 3)) == 0
    base = Events("visits", draw(st.sampled_from([None, "n > 1"])))
    conversion = Events("visits" if same_source else "orders", draw(st.sampled_from([None, "n <= 2"])))
    metrics = [
        Metric("visits", "count", "visits"),
        *(
            Metric(
                f"{kind}_{at}",
                "conversion",
                base=base,
                conversion=conversion,
                entity="who",
                window=window,
                measured_as=kind,
                where=draw(st.sampled_from([None, None, "n < 3"])),
            )
            for at, window in enumerate(draw(st.lists(st.sampled_from(WINDOWS), min_size=1, max_size=2)))
            for kind in ("rate", "count")
        ),
    ]
    subject = Subject(
        project="test",
        domain="diff",
        name="conversion",
        version=1,
        timezone=tz,
        start=(day - timedelta(days=40)).isoformat(),
        sources=tuple(source(name, key) for name in ("visits", "orders")),
        metrics=tuple(metrics),
        target=Target("conversion"),
        dimensions=tuple(Dimension(one) for one in key),
        grains=grains,
        week_start=draw(st.sampled_from(WEEKDAYS)),
        fiscal=draw(fiscals),
    )
    zone = ZoneInfo(tz)
    midnight = datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(timezone.utc)
    hours = [-200, -30, -3, -1, 0, 0, 1, 2, 5, 23, 24, 25, 26, 47, 71, 72, 73, 170, 750]
    held = visits_and_orders(draw, midnight, hours, key, 0, 12)
    days = (day, day + timedelta(days=draw(st.integers(1, 4))))
    return Case(subject, held, days, midnight + timedelta(days=200))


TESTS = {
    None: lambda _: True,
    "n > 1": lambda one: one["n"] > 1,
    "n <= 2": lambda one: one["n"] <= 2,
    "n < 3": lambda one: one["n"] < 3,
}


def ends(at: datetime, window: Period, zone: ZoneInfo) -> datetime:
    """When the window of a base event is over: hours are counted, days and longer are of the calendar."""
    if window.unit == "hour":
        return at + timedelta(hours=window.n)
    local = at.astimezone(zone)
    days = {"day": 1, "week": 7}.get(window.unit)
    there = (
        months_later(local.date(), window.n)
        if days is None
        else local.date() + timedelta(days=days * window.n)
    )
    moved = datetime.combine(there, local.time(), tzinfo=zone)
    return moved.astimezone(timezone.utc)


def counted(case: Case, metric: Metric) -> dict[tuple[Grain, date, Any], list[int]]:
    """For each row the number of conversions of each of its base events."""
    subject, zone = case.subject, ZoneInfo(case.subject.timezone)
    assert metric.base is not None
    assert metric.conversion is not None
    assert metric.window is not None
    passes = TESTS[metric.where]
    own = TESTS[metric.base.where]
    base = [one for one in case.documents[metric.base.source] if own(one) and passes(one)]
    others = [
        one
        for one in case.documents[metric.conversion.source]
        if TESTS[metric.conversion.where](one) and passes(one) and one["who"] is not None
    ]
    n = {one["_id"]: 0 for one in base if one["who"] is not None}
    for one in others:
        before = [each for each in base if each["who"] == one["who"] and each["at"] <= one["at"]]
        if before:
            latest = max(before, key=lambda each: (each["at"], each["_id"]))
            if one["at"] < ends(latest["at"], metric.window, zone):
                n[latest["_id"]] += 1
    rows: dict[tuple[Grain, date, Any], list[int]] = defaultdict(list)
    for one in base:
        if one["who"] is not None:
            day = one["at"].astimezone(zone).date()
            for grain in subject.grains:
                rows[grain, first_day(grain, day, subject.calendar), one.get("page")].append(n[one["_id"]])
    return rows


@settings(max_examples=FEW)
@given(case=cases(), route=st.sampled_from(["server", "server", "cursor"]))
def test_each_conversion_counts_once_on_its_base_event(
    worlds: dict[str, World], case: Case, route: str
) -> None:
    """Rates and counts of every row equal the walk's, and a second run changes nothing."""
    world = worlds[route]
    subject = case.subject
    with runs.loaded(world, case.documents):
        runs.run(world, case)
        for metric in subject.metrics[1:]:
            truth = counted(case, metric)
            for grain in subject.grains:
                for row in runs.published(world, subject, grain):
                    found = truth.get((grain, date.fromisoformat(row["partition_date"]), row.get("page")), [])
                    wanted: Any = sum(found)
                    if metric.measured_as == "rate":
                        wanted = Fraction(sum(one > 0 for one in found), len(found)) if found else None
                    assert same(row[metric.name], Value(wanted, True)), (
                        grain,
                        row["_id"],
                        metric.name,
                        row[metric.name],
                    )
        again = runs.run(world, case)["steps"]["load"]["counts"]
        assert all(one["changed"] == one["inserted"] == one["removed"] == 0 for one in again.values())

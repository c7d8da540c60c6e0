"""Windows at grain hour, and windows of hours at grain day: whole runs equal a walk over the clock."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import date, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashpipe.spec.model import Dimension, Field, Grain, Metric, Period, Source, Subject, Target, Time
from tests.differential import runs
from tests.differential.subjects import Case
from tests.run.world import World

pytestmark = pytest.mark.differential

Document = dict[str, Any]

FEW = max(3, settings().max_examples // 8)
QUARTER = timedelta(minutes=15)
#: Days on which clocks change: back and forward, by an hour and by half an hour; and one without a change.
PLACES = (
    ("Europe/London", date(2024, 10, 27)),
    ("Europe/London", date(2024, 3, 31)),
    ("Australia/Lord_Howe", date(2024, 4, 7)),
    ("Australia/Lord_Howe", date(2024, 10, 6)),
    ("Asia/Kathmandu", date(2024, 3, 1)),
)
WINDOWS = (Period(1, "hour"), Period(3, "hour"), Period(26, "hour"), Period(50, "hour"))
CARRIES = (Period(1, "day"), Period(2, "day"), Period(1, "week"), "always")
ENDS = (("first", ()), ("last", ()), ("first", ("s",)), ("last", ("s",)))
DAYS = (Period(1, "day"), Period(2, "day"), Period(1, "week"))


@pytest.fixture(scope="module")
def world(mongo_uri: str) -> Iterator[World]:
    """A world that all cases share: each leaves it empty."""
    with runs.opened(mongo_uri, f"hours_{os.getpid()}", None) as made:
        yield made


@st.composite
def cases(draw: Any) -> Case:
    """A subject with windows, documents around a change of the clock, and days to compute."""
    tz, day = draw(st.sampled_from(PLACES))
    grains = draw(st.sampled_from([(Grain.HOUR,), (Grain.HOUR, Grain.DAY), (Grain.DAY,)]))
    windows = (*WINDOWS, *DAYS) if Grain.HOUR in grains else WINDOWS
    inner = st.sampled_from(["total", "kinds", "mean"])
    reaches: list[dict[str, Any]] = [
        {"window": one}
        for one in draw(st.lists(st.sampled_from(windows), min_size=1, max_size=3, unique=True))
    ]
    reaches += draw(st.sampled_from([[], [{}], [{"to_date": "month"}]]))
    metrics = [
        Metric("total", "sum", "docs", expr="n"),
        Metric("kinds", "count_distinct", "docs", expr="s"),
        Metric("mean", "avg", "docs", expr="n"),
        *(Metric(f"m{at}", "cumulative", metric=draw(inner), **one) for at, one in enumerate(reaches)),
        *(
            Metric(f"e{at}", kind, "docs", expr="n", per=per, carry=draw(st.sampled_from(CARRIES)))
            for at, (kind, per) in enumerate(draw(st.lists(st.sampled_from(ENDS), max_size=2)))
        ),
    ]
    subject = Subject(
        project="test",
        domain="diff",
        name="hours",
        version=1,
        timezone=tz,
        start=(day - timedelta(days=draw(st.sampled_from([0, 1, 5])))).isoformat(),
        sources=(
            Source(
                "docs",
                "docs",
                Time("at"),
                fields=(Field("n", "integer"), Field("s", "string"), Field("c", "string")),
                dimensions=(Dimension("c"),),
                incremental=draw(st.booleans()),
            ),
        ),
        metrics=tuple(metrics),
        target=Target("hours"),
        dimensions=(Dimension("c"),),
        grains=grains,
    )
    noon = datetime(day.year, day.month, day.day, 12, tzinfo=ZoneInfo(tz)).astimezone(timezone.utc)
    quarters = st.integers(-60, 90) | st.integers(-800, 0)
    documents = [
        {
            "_id": number,
            "at": noon + draw(quarters) * QUARTER,
            "n": draw(st.sampled_from([None, 1, 2, 5])),
            "s": draw(st.sampled_from(["a", "b", None])),
            "c": draw(st.sampled_from(["x", None])),
        }
        for number in range(draw(st.integers(1, 25)))
    ]
    days = (day, day + timedelta(days=draw(st.integers(1, 2))))
    return Case(subject, {"docs": documents}, days, noon + timedelta(days=40))


def walked(case: Case) -> list[str]:
    """The labels of all hours around the days of a case, in the order in which they pass."""
    zone = ZoneInfo(case.subject.timezone)
    at = datetime(case.days[0].year, case.days[0].month, case.days[0].day, tzinfo=timezone.utc)
    at -= timedelta(days=14)
    found: dict[str, None] = {}
    while at < datetime(
        case.days[1].year, case.days[1].month, case.days[1].day, tzinfo=timezone.utc
    ) + timedelta(2):
        found[at.astimezone(zone).strftime("%Y-%m-%dT%H%z")] = None
        at += QUARTER
    return list(found)


def taken(metric: Metric, labels: list[str], last: int) -> set[str]:
    """The hours that a metric covers as of the end of an hour, which is the last of its partition."""
    until = labels[: last + 1]
    if metric.window is None and metric.to_date is None:
        return set(until)
    day = date.fromisoformat(labels[last][:10])
    if metric.to_date is not None:
        return {one for one in until if one[:7] == labels[last][:7]}
    assert metric.window is not None
    if metric.window.unit == "hour":
        return set(until[-metric.window.n :])
    back = (day - timedelta(days=metric.window.n * (7 if metric.window.unit == "week" else 1))).isoformat()
    clock = labels[last][11:13]
    return {one for one in until if one[:10] > back or (one[:10] == back and one[11:13] > clock)}


def value(metric: Metric, documents: list[Document]) -> Any:
    """A metric over documents."""
    numbers = [one["n"] for one in documents if one["n"] is not None]
    if metric.name == "total":
        return sum(numbers)
    if metric.name == "kinds":
        return len({one["s"] for one in documents if one["s"] is not None})
    return sum(numbers) / len(numbers) if numbers else None


def carried(metric: Metric, labels: list[str], label: str) -> set[str]:
    """The hours before a partition that its value may come from."""
    before = labels[: next(at for at, one in enumerate(labels) if one.startswith(label))]
    if not isinstance(metric.carry, Period):
        return set(before)
    days = metric.carry.n * (7 if metric.carry.unit == "week" else 1)
    back = (date.fromisoformat(label[:10]) - timedelta(days=days)).isoformat() + label[10:13]
    return {one for one in before if one[: len(back)] >= back}


def end(metric: Metric, own: list[Document], before: list[Document], c: Any) -> Any:
    """The first or last value of a row, or of each `s`, in the row of its document."""
    found = []
    for s in {one["s"] for one in (*own, *before)} if metric.per else {None}:
        sides = [
            sorted(
                (
                    one
                    for one in some
                    if one["n"] is not None and (one["s"] == s if metric.per else one["c"] == c)
                ),
                key=lambda one: (one["at"], one["_id"]),
            )
            for some in (own, before)
        ]
        if sides[0] or sides[1]:
            found.append(
                (sides[0][0] if metric.type == "first" else sides[0][-1]) if sides[0] else sides[1][-1]
            )
    mine = [one["n"] for one in found if one["c"] == c]
    return sum(mine) if mine else None


@settings(max_examples=FEW)
@given(case=cases(), split=st.booleans())
def test_windows_of_hours_equal_a_walk(world: World, case: Case, split: bool) -> None:
    """Each row has the values of the hours that it reaches back to, at once or day by day, backwards."""
    subject = case.subject
    zone, labels = ZoneInfo(subject.timezone), walked(case)
    hour = {
        one["_id"]: one["at"].astimezone(zone).strftime("%Y-%m-%dT%H%z") for one in case.documents["docs"]
    }
    metrics = {one.name: one for one in subject.metrics}
    with runs.loaded(world, case.documents):
        days = [case.days[0] + timedelta(days=at) for at in range((case.days[1] - case.days[0]).days)]
        for piece in [(one, one + timedelta(days=1)) for one in reversed(days)] if split else [case.days]:
            runs.run(world, case, days=piece)
        for grain in subject.grains:
            wanted = {
                (hour[one["_id"]] if grain is Grain.HOUR else hour[one["_id"]][:10], one["c"])
                for one in case.documents["docs"]
                if case.days[0].isoformat() <= hour[one["_id"]][:10] < case.days[1].isoformat()
            }
            rows = runs.published(world, subject, grain)
            named = {
                (
                    one["partition_date"] + (f"T{one['partition_hour']}" if grain is Grain.HOUR else ""),
                    one["c"],
                ): one
                for one in rows
            }
            assert named.keys() == wanted
            for (label, c), row in named.items():
                last = max(at for at, one in enumerate(labels) if one.startswith(label))
                for name, metric in metrics.items():
                    if metric.carry is not None:
                        earlier = carried(metric, labels, label)
                        every = case.documents["docs"]
                        own = [one for one in every if hour[one["_id"]].startswith(label)]
                        old = [one for one in every if hour[one["_id"]] in earlier]
                        assert row[name] == end(metric, own, old, c), (label, c, metric)
                        continue
                    if metric.type == "cumulative":
                        hours = taken(metric, labels, last)
                        inner = metrics[metric.metric or ""]
                    else:
                        hours, inner = {one for one in labels if one.startswith(label)}, metric
                    mine = [
                        one for one in case.documents["docs"] if one["c"] == c and hour[one["_id"]] in hours
                    ]
                    found = value(inner, mine)
                    assert row[name] == (found if found is None else pytest.approx(found)), (label, c, name)

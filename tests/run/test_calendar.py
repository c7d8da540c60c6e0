"""Fiscal periods in whole runs: counted day by day in Python, at a calendar's end, and when one changes."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from dashpipe.run import run_all, status
from dashpipe.run.base import Request
from dashpipe.run.errors import Refused
from dashpipe.spec.model import (
    FISCAL,
    Calendar,
    Events,
    Fiscal,
    Grain,
    Input,
    Metric,
    Period,
    Subject,
    Target,
    Time,
)
from tests.compile.calendars import by_weeks, first_of
from tests.run.world import ORDERS, SUBJECT, World, count, total

Document = dict[str, Any]

TZ = "America/New_York"
GRAINS = (Grain.DAY, *FISCAL)
START, END = date(2024, 1, 1), date(2024, 7, 15)
NOW = datetime(2024, 7, 15, 9, tzinfo=ZoneInfo(TZ))

#: The first days of the months of a calendar of weeks, from the year on that holds `START`.
WEEKS = by_weeks((4, 5, 4), 12, 6, 0).days
DAYS = WEEKS[max(at for at in range(0, len(WEEKS), 12) if WEEKS[at] <= START.isoformat()) :]
LATER = tuple((date.fromisoformat(one) + timedelta(days=7)).isoformat() for one in DAYS)


def fiscal(first: Fiscal, **keys: Any) -> Subject:
    """A subject with fiscal grains."""
    own = {"timezone": TZ, "grains": GRAINS, "fiscal": first, "start": START.isoformat(), **keys}
    return replace(SUBJECT, metrics=(count("orders"), total("items", "n")), **own)


def retail(years: int, days: tuple[str, ...] = DAYS) -> Fiscal:
    """A calendar file of so many years."""
    return Fiscal(days=days[: 12 * years + 1], name="retail")


def orders(first: date = START, last: date = END) -> list[Document]:
    """Three orders a local day, one right after midnight and one right before."""
    found = []
    day = first
    while day < last:
        for hour, minute in ((0, 0), (12, 0), (23, 59)):
            at = datetime(day.year, day.month, day.day, hour, minute, tzinfo=ZoneInfo(TZ))
            found.append({"_id": f"{day}/{hour}", "at": at, "country": "abc"[day.day % 3], "n": day.day})
        day += timedelta(days=1)
    return found


def run(
    world: World, subject: Subject, start: date = START, end: date = END, now: datetime = NOW
) -> Document:
    """One run over some days."""
    request = Request(subject, f"test/{start}-{end}-{now}", start=start, end=end, now=now)
    done: Document = run_all(request, world.setup)
    return done


def counted(
    documents: list[Document], grain: Grain, calendar: Calendar
) -> dict[tuple[str, str], tuple[int, int]]:
    """Orders and items by partition and country, by stepping through the calendar."""
    number: Counter[tuple[str, str]] = Counter()
    items: Counter[tuple[str, str]] = Counter()
    for one in documents:
        key = (first_of(grain, one["at"].date(), calendar), one["country"])
        number[key] += 1
        items[key] += one["n"]
    return {key: (number[key], items[key]) for key in number}


def stored(world: World, grain: Grain) -> dict[tuple[str, str], tuple[int, int]]:
    """The same of the rows in the target."""
    name = "daily" if grain is Grain.DAY else f"daily_{grain.value}"
    rows = list(world.target[name].find({"grain": grain.value}))
    return {(one["partition_date"], one["country"]): (one["orders"], one["items"]) for one in rows}


@pytest.mark.slow  # long on the Python build; .ci/run has it on the native one
@pytest.mark.parametrize(
    "calendar", [Fiscal(2), Fiscal(11), retail(3)], ids=["february", "november", "4-5-4"]
)
def test_fiscal_periods_are_their_days(either: World, calendar: Fiscal) -> None:
    """Rows of fiscal months, quarters and years count the documents of their local days, from states too."""
    subject = fiscal(calendar)
    either.fill(orders())
    done = run(either, subject)
    for grain in GRAINS:
        assert stored(either, grain) == counted(orders(), grain, subject.calendar), grain
    origin = done["steps"]["transform"]["origin"]
    # Only the first and the last have days without states: before the subject's start, and today.
    assert [origin[one.value]["orders"]["source"] <= 2 for one in FISCAL] == [True] * 3
    assert origin["fiscal_month"]["orders"]["states"] >= 5
    newest = max(one[0] for one in stored(either, Grain.FISCAL_YEAR))
    assert either.target["daily_fiscal_year"].distinct("complete", {"partition_date": newest}) == [False]


def test_a_run_beyond_the_calendar_is_refused(world: World) -> None:
    """The first day that no period holds stops a run, which says what to add; days before still run."""
    subject = fiscal(retail(2))
    last = date.fromisoformat(DAYS[24])
    world.fill(orders(START, last + timedelta(days=3)))
    now = datetime(last.year, last.month, last.day, 12, tzinfo=ZoneInfo(TZ)) + timedelta(days=2)
    with pytest.raises(
        Refused, match=rf"{last} is outside of the calendar retail: it runs from {DAYS[0]} to"
    ):
        run_all(Request(subject, "test/clock", now=now), world.setup)
    run(world, subject, START, last, now)
    wanted = counted(orders(START, last), Grain.FISCAL_MONTH, subject.calendar)
    assert stored(world, Grain.FISCAL_MONTH) == wanted
    found = status.find(world.target, subject)  # of today, long after the calendar
    assert sum(one.count for one in found.grains[Grain.FISCAL_MONTH]) == len({month for month, _ in wanted})
    assert [one.state for one in found.grains[Grain.DAY]] == ["published", "missing"]


def edge(*metrics: Metric, begin: str = DAYS[0], **keys: Any) -> Subject:
    """A subject over a calendar of two years, with metrics that look beyond a row's own days."""
    subject = fiscal(retail(2), grains=(Grain.DAY, Grain.FISCAL_MONTH), start=begin, **keys)
    return replace(subject, metrics=(*subject.metrics, *metrics))


def retained(periods: int) -> Metric:
    """Which countries come back in later fiscal months."""
    month = Grain.FISCAL_MONTH
    keys: dict[str, Any] = {"entity": "country", "period": month, "periods": periods, "grains": (month,)}
    return Metric("back", "retention", "orders", **keys)


def test_cohorts_at_the_ends_of_a_calendar(world: World) -> None:
    """A later period that the calendar does not have is null; a late document of its first day is seen."""
    subject = edge(retained(3), dimensions=(), sources=(replace(ORDERS, dimensions=()),))
    first, last = (date.fromisoformat(DAYS[at]) for at in (0, 23))
    for day, later in ((first, [1.0, 0.0, 0.0, 0.0]), (last, [1.0, None, None, None])):
        world.fill(orders(day, day + timedelta(days=2)))
        now = datetime(2025, 6, 1, tzinfo=ZoneInfo(TZ))
        run(world, subject, day, day + timedelta(days=2), now)
        late = {**orders(day, day + timedelta(days=1))[0], "_id": "late", "country": "new"}
        world.source["orders"].insert_one(late)
        run(world, subject, day, day + timedelta(days=1), now + timedelta(hours=1))
        row = world.target["daily_fiscal_month"].find_one({"partition_date": day.isoformat()})
        assert row is not None
        assert (row["orders"], row["back"]) == (7, later)


def followed(window: int) -> Metric:
    """Orders after which another of the same country follows within some days."""
    keys: dict[str, Any] = {"base": Events("orders", "n < 20"), "conversion": Events("orders", "n > 20")}
    return Metric(
        "grew", "conversion", **keys, entity="country", window=Period(window, "day"), measured_as="count"
    )


def test_conversions_behind_the_last_day_of_a_calendar_count(world: World) -> None:
    """Events need no period: the base event of the last day converts by an order of the day after it."""
    last = date.fromisoformat(DAYS[24]) - timedelta(days=1)
    subject = edge(followed(3))
    base, order = (orders(day, day + timedelta(days=1))[0] for day in (last, last + timedelta(days=2)))
    world.fill([{**base, "n": 1, "country": "a"}, {**order, "n": 30, "country": "a"}])
    run(world, subject, last, last + timedelta(days=1), NOW + timedelta(days=365))
    for name in ("daily", "daily_fiscal_month"):
        assert world.target[name].distinct("grew") == [1], name


def test_conversions_whose_newest_documents_no_period_decides_are_refused(world: World) -> None:
    """With `unique` a period says which is the newest: none does behind the calendar, once that is over."""
    last = date.fromisoformat(DAYS[24]) - timedelta(days=1)
    subject = edge(followed(3), sources=(replace(ORDERS, unique=("n",)),))
    world.fill(orders(last, last + timedelta(days=1)))
    now = datetime(last.year, last.month, last.day, 20, tzinfo=ZoneInfo(TZ))
    run(world, subject, last, last + timedelta(days=1), now)
    kept = world.rows()
    assert [row["orders"] for row in kept] == [1]
    with pytest.raises(Refused, match="is outside of the calendar retail: it runs from") as refused:
        run(world, subject, last, last + timedelta(days=1), NOW + timedelta(days=365))
    assert refused.value.help == "add the years that are missing to the calendar file"
    assert world.rows() == kept


@pytest.mark.parametrize(
    "inner",
    [
        Metric("inner", "cumulative", metric="orders", window=Period(2, "fiscal_month")),
        Metric("inner", "last", "orders", expr="n", carry=Period(2, "fiscal_month")),
    ],
    ids=["window", "carry"],
)
def test_an_offset_to_before_the_calendar_is_null(world: World, inner: Metric) -> None:
    """A year before the start and two fiscal months back, where the calendar has none: the row is written."""
    before = Input("inner", "before", offset=Period(1, "fiscal_year"))
    subject = edge(inner, Metric("grew", "derived", expr="orders - before", inputs=(before,)), begin=DAYS[12])
    day = date.fromisoformat(DAYS[12])
    world.fill(orders(day, day + timedelta(days=2)))
    run(world, subject, day, day + timedelta(days=2))
    assert [(row["orders"], row["grew"]) for row in world.rows()] == [(3, None), (3, None)]


def test_documents_outside_of_the_calendar_change_nothing(world: World) -> None:
    """A document from before the first fiscal year, or after the last, makes no partition stale."""
    source = replace(ORDERS, updated=Time("changed"))
    subject = fiscal(retail(2), sources=(source,))
    world.fill(orders())
    run(world, subject)
    far = [datetime(year, 6, 1, tzinfo=ZoneInfo(TZ)) for year in (1990, 2040)]
    more = [{"_id": one.year, "at": one, "changed": NOW, "country": "a", "n": 1} for one in far]
    late = {**orders()[-40], "_id": "late", "changed": NOW}
    world.source["orders"].insert_many([*more, late])
    done = run_all(Request(subject, "test/again", now=NOW + timedelta(hours=1)), world.setup)
    assert done["steps"]["extract_orders"]["stale"] == len(GRAINS)
    assert stored(world, Grain.FISCAL_YEAR) == counted([*orders(), late], Grain.FISCAL_YEAR, subject.calendar)


def test_years_may_be_added_to_a_calendar(world: World) -> None:
    """A calendar that goes on further is the one of the rows before."""
    world.fill(orders())
    run(world, fiscal(retail(2)))
    run(world, fiscal(retail(3)), date(2024, 7, 1), END)
    assert stored(world, Grain.FISCAL_MONTH) == counted(
        orders(), Grain.FISCAL_MONTH, fiscal(retail(3)).calendar
    )


CHANGES = {
    "a month that ends later": (
        fiscal(retail(3)),
        fiscal(retail(3, (*DAYS[:15], LATER[15], *DAYS[16:]))),
        "fiscal_month from",
    ),
    "all a week later": (
        fiscal(retail(3)),
        fiscal(retail(3, LATER)),
        "is part of that of|is outside of it",
    ),
    "another first month": (fiscal(Fiscal(2)), fiscal(Fiscal(3)), "is part of that of"),
    "weeks from Sunday": (
        fiscal(Fiscal(1), grains=(Grain.DAY, Grain.WEEK)),
        fiscal(Fiscal(1), grains=(Grain.DAY, Grain.WEEK), week_start="sunday"),
        "the week from 20",
    ),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_changed_calendar_is_refused(world: World, name: str) -> None:
    """Rows by two calendars never stand side by side: a run by the other one writes nothing."""
    before, after, said = CHANGES[name]
    world.fill(orders())
    run(world, before)
    rows = {
        one: list(world.target[one].find())
        for one in world.target.list_collection_names()
        if one[:5] == "daily"
    }
    with pytest.raises(Refused, match=said) as refused:
        run(world, after, now=NOW + timedelta(hours=1))
    assert "next `version`" in refused.value.help
    assert {one: list(world.target[one].find()) for one in rows} == rows


def test_old_fiscal_periods_are_pruned(world: World) -> None:
    """Retention counts fiscal periods as others: those that ended before the kept days go, no other."""
    subject = fiscal(retail(3), grains=(Grain.DAY, Grain.FISCAL_MONTH))
    world.fill(orders())
    run(world, subject)
    kept = replace(subject, target=Target("daily", retention_days=60))
    run(world, kept, date(2024, 7, 10), END, NOW + timedelta(hours=1))
    oldest = date(2024, 7, 15) - timedelta(days=60)
    wanted = set(counted(orders(), Grain.FISCAL_MONTH, subject.calendar))
    first = first_of(Grain.FISCAL_MONTH, oldest, subject.calendar)
    assert set(stored(world, Grain.FISCAL_MONTH)) == {one for one in wanted if one[0] >= first}
    assert min(day for day, _ in stored(world, Grain.DAY)) == oldest.isoformat()

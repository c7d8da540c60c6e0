"""Rolling, moved and shared conversions, in whole runs and in SQL, equal a walk over all events."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import date, datetime, timedelta, timezone
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymongo import MongoClient
from pymongo.database import Database

from dashpipe.compile.offsets import fits
from dashpipe.run import log, run_all
from dashpipe.run.base import Request
from dashpipe.spec.model import (
    WEEKDAYS,
    Dimension,
    Events,
    Grain,
    Input,
    Lookback,
    Metric,
    Period,
    Subject,
    Target,
)
from tests.compile.calendars import fiscals
from tests.differential import runs
from tests.differential.events import visits_and_orders
from tests.differential.reaching import DAILY, Key, Value, Walk
from tests.differential.subjects import Case
from tests.differential.test_conversion import DAYS, TESTS, ends, source
from tests.differential.test_reach import same
from tests.differential.test_sql import compared
from tests.run.world import World

pytestmark = pytest.mark.differential

Document = dict[str, Any]
Pieces = list[tuple[date, date]]

FEW = max(3, settings().max_examples // 8)
GRAINS = ((Grain.DAY,), (Grain.DAY, Grain.WEEK), (Grain.DAY, Grain.MONTH), (Grain.WEEK,))
GRAINS += ((Grain.DAY, Grain.FISCAL_MONTH),)
WITHIN = (Period(1, "hour"), Period(1, "day"), Period(3, "day"))
BACK = (Period(1, "day"), Period(3, "day"), Period(1, "week"), Period(10, "day"), Period(1, "month"))
BACK += (Period(1, "fiscal_month"),)
OFFSETS = (Period(1, "day"), Period(1, "week"), Period(2, "week"), Period(1, "month"))


class Followed(Walk):
    """The rows of conversions: what the entity of an event does next decides, wherever that lies."""

    def __init__(self, case: Case, as_of: datetime | None = None) -> None:
        documents = [{**one, "in": name} for name, some in case.documents.items() for one in some]
        super().__init__(case.subject, documents, {None: TESTS[None], **TESTS}, as_of)
        self._followed: dict[Any, dict[Any, int]] = {}

    def _leaf(
        self, metric: Metric, span: tuple[date | None, date], key: Key, wheres: tuple[str, ...]
    ) -> Value:
        name, start, end = metric.source, *span
        if metric.base is not None:
            name, wheres = metric.base.source, (*wheres, *([metric.base.where] if metric.base.where else []))
        mine = [
            one
            for day, one in self.documents
            if one["in"] == name
            and (start is None or start <= day)
            and day <= end
            and all(one.get(dimension) == value for dimension, value in key.items())
            and all(self.wheres[where](one) for where in wheres)
        ]
        if metric.base is None:
            return Value(len(mine), bool(mine))
        found = [self.conversions(metric, wheres)[one["_id"]] for one in mine if one["who"] is not None]
        if metric.measured_as == "count":
            return Value(sum(found), sum(found) > 0)
        converted = sum(one > 0 for one in found)
        return Value(Fraction(converted, len(found)) if found else None, bool(found))

    def conversions(self, metric: Metric, wheres: tuple[str, ...]) -> dict[Any, int]:
        """Of each base event how many conversions it has, by its ``_id``."""
        if (metric.name, wheres) not in self._followed:
            self._followed[metric.name, wheres] = self._follow(metric, wheres)
        return self._followed[metric.name, wheres]

    def _follow(self, metric: Metric, wheres: tuple[str, ...]) -> dict[Any, int]:
        base, conversion, window = metric.base, metric.conversion, metric.window
        assert base is not None
        assert conversion is not None
        assert window is not None
        others = [*wheres[: -1 if base.where else None], *([conversion.where] if conversion.where else [])]
        events = [one for _, one in self.documents if one["who"] is not None]
        begin = [one for one in events if one["in"] == base.source and all(TESTS[w](one) for w in wheres)]
        counts: dict[Any, int] = {one["_id"]: 0 for one in begin}
        for one in events:
            if one["in"] != conversion.source or not all(TESTS[where](one) for where in others):
                continue
            before = [each for each in begin if each["who"] == one["who"] and each["at"] <= one["at"]]
            latest = max(before, key=lambda each: (each["at"], each["_id"]), default=None)
            if latest is not None and one["at"] < ends(latest["at"], window, self.zone):
                counts[latest["_id"]] += 1
        return counts


@st.composite
def metrics(draw: Any, grains: tuple[Grain, ...], key: tuple[str, ...]) -> tuple[Metric, ...]:
    """A rate and a count of conversions, and what may be made of them."""
    where = st.sampled_from([None, None, "n < 3"])
    base = Events("visits", draw(st.sampled_from([None, "n > 1"])))
    conversion = Events(draw(st.sampled_from(["orders", "orders", "visits"])), "n <= 2")
    followed: dict[str, Any] = {"base": base, "conversion": conversion, "entity": "who"}
    followed["window"] = draw(st.sampled_from(WITHIN))
    made = [
        Metric("visits", "count", "visits"),
        Metric("rate", "conversion", **followed, measured_as="rate", where=draw(where)),
        Metric("number", "conversion", **followed, measured_as="count", where=draw(where)),
        Metric("each", "derived", expr="number / visits"),
    ]
    runs_, parts, moving = ["rate", "rate", "number", "each"], ["number"], [one.name for one in made]
    for at in range(draw(st.integers(2, 5))):
        name, kind = f"made_{at}", draw(st.sampled_from(["run", "run", "run", "share", "offset", "derived"]))
        if kind == "run":
            reach = draw(st.sampled_from([{"window": one} for one in BACK] + [{"to_date": "month"}, {}, {}]))
            agg = draw(st.sampled_from([None, None, None, "first", "average", "max"]))
            inner = draw(st.sampled_from(runs_))
            made.append(Metric(name, "cumulative", metric=inner, period_agg=agg, where=draw(where), **reach))
            parts += [name] if inner == "number" and agg not in DAILY else []
            moving.append(name)
        elif kind == "share" and key:
            of = tuple(draw(st.lists(st.sampled_from(key), unique=True, max_size=len(key))))
            made.append(Metric(name, "share", metric=draw(st.sampled_from(parts)), of=of))
            moving.append(name)
        elif kind == "derived":
            made.append(Metric(name, "derived", expr=f"{draw(st.sampled_from(moving))} - rate"))
        elif kind == "offset":
            by = draw(st.sampled_from(OFFSETS))
            own = tuple(one for one in grains if fits(one, -by.n, Grain(by.unit)))
            if own:
                inputs = (Input(draw(st.sampled_from(moving)), "before", draw(where), by),)
                text = f"{draw(st.sampled_from(moving))} {draw(st.sampled_from('-/'))} before"
                made.append(Metric(name, "derived", expr=text, inputs=inputs, grains=own))
    return tuple(made)


@st.composite
def cases(draw: Any) -> Case:
    """A random subject over random events, most of them of a few days."""
    day, tz = draw(st.sampled_from(DAYS)), draw(st.sampled_from(["Europe/London", "Asia/Kathmandu"]))
    key = tuple(draw(st.sampled_from([("page",), ("page", "shop"), ()])))
    grains = draw(st.sampled_from(GRAINS))
    subject = Subject(
        project="test",
        domain="diff",
        name="rolling",
        version=1,
        timezone=tz,
        start=(day - timedelta(days=draw(st.sampled_from([0, 2, 40])))).isoformat(),
        sources=tuple(source(name, key) for name in ("visits", "orders")),
        metrics=draw(metrics(grains, key)),
        target=Target("rolling"),
        dimensions=tuple(Dimension(one) for one in key),
        grains=grains,
        week_start=draw(st.sampled_from(WEEKDAYS)),
        fiscal=draw(fiscals),
    )
    midnight = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(tz)).astimezone(timezone.utc)
    hours = [-800, -200, -50, -30, -3, -1, 0, 1, 5, 12, 23, 24, 25, 26, 47, 71, 73, 80, 170]
    held = visits_and_orders(draw, midnight, hours, key, 2, 14)
    days = (day - timedelta(days=2), day + timedelta(days=draw(st.integers(1, 4))))
    days = (max(days[0], date.fromisoformat(subject.start)), days[1])
    return Case(subject, held, days, midnight + timedelta(days=200))


@st.composite
def histories(draw: Any) -> tuple[Case, dict[str, list[Document]], Pieces]:
    """A case, of which some days may not be over, the events that come late, and pieces of its days."""
    case = draw(cases())
    first, last = case.days
    zone = ZoneInfo(case.subject.timezone)
    late = {
        name: [
            one for one in some if draw(st.booleans()) and first <= one["at"].astimezone(zone).date() < last
        ]
        for name, some in case.documents.items()
    }
    cuts = sorted(draw(st.sets(st.integers(1, (last - first).days), max_size=2)))
    edges = [first, *(first + timedelta(days=one) for one in cuts), last]
    pieces = [(a, b) for a, b in itertools.pairwise(edges) if a < b]
    midnight = datetime(last.year, last.month, last.day, tzinfo=zone)
    as_of = draw(st.sampled_from([case.as_of, midnight.astimezone(timezone.utc) - timedelta(hours=7)]))
    return replace(case, as_of=as_of), late, draw(st.permutations(pieces))


@pytest.fixture(scope="module")
def worlds(mongo_uri: str, second_uri: str) -> Iterator[dict[str, World]]:
    """A world for each route, shared by all cases: each leaves it empty."""
    with ExitStack() as stack:
        others = {"server": None, "cursor": second_uri}
        name = f"conversion_reach_{os.getpid()}"
        yield {
            route: stack.enter_context(runs.opened(mongo_uri, f"{name}_{route}", other))
            for route, other in others.items()
        }


@pytest.fixture(scope="module")
def scratch(mongo: MongoClient[Document]) -> Iterator[Database[Document]]:
    """One database for all cases: each leaves it empty."""
    name = f"conversion_reach_sql_{os.getpid()}"
    yield mongo[name]
    mongo.drop_database(name)


def check(world: World, case: Case) -> None:
    """The published rows of every grain are exactly those of the walk."""
    truth = Followed(case, case.as_of)
    days = [case.days[0] + timedelta(days=at) for at in range((case.days[1] - case.days[0]).days)]
    key = [one.name for one in case.subject.key]
    for grain in case.subject.grains:
        wanted = truth.rows(grain, days)
        found = runs.published(world, case.subject, grain)
        rows = {(date.fromisoformat(one["partition_date"]), *(one[k] for k in key)): one for one in found}
        assert rows.keys() == wanted.keys(), grain
        for at, row in rows.items():
            for name, value in wanted[at].items():
                assert same(row[name], value), (grain, at, name, row[name], value)


@settings(max_examples=FEW)
@given(history=histories(), route=st.sampled_from(["server", "server", "cursor"]))
def test_pieces_in_any_order_equal_the_whole(
    worlds: dict[str, World], history: tuple[Case, dict[str, list[Document]], Pieces], route: str
) -> None:
    """Late events count wherever they are read or followed, once the pieces that they lie in are run."""
    case, late, pieces = history
    world, zone = worlds[route], ZoneInfo(case.subject.timezone)
    early = {name: [one for one in some if one not in late[name]] for name, some in case.documents.items()}
    before = replace(case, documents=early)
    with runs.loaded(world, early):
        for piece in pieces:
            runs.run(world, case, days=piece)
        check(world, before)
        for name, some in late.items():
            if some:
                world.source[name].insert_many(some)
        days = {one["at"].astimezone(zone).date() for some in late.values() for one in some}
        for start, end in reversed(pieces):
            if any(start <= day < end for day in days):
                runs.run(world, case, days=(start, end))
        check(world, case)
        again = runs.run(world, case, days=pieces[0])["steps"]["load"]["counts"]
        assert all(one["changed"] == one["inserted"] == one["removed"] == 0 for one in again.values())


@settings(max_examples=FEW)
@given(case=cases())
def test_sql_says_the_same(scratch: Database[Document], case: Case) -> None:
    """The queries that `show --sql` prints give what the stages give."""
    compared(scratch, case)


def events(*given: tuple[int, str, datetime]) -> list[Document]:
    """Events by number, entity and instant; all of one page."""
    return [{"_id": number, "who": who, "at": at, "n": 2, "page": "a"} for number, who, at in given]


def daily(*made: Metric, grains: tuple[Grain, ...] = (Grain.DAY,), **changed: Any) -> Subject:
    """A subject of visits that are followed by orders within two days, and what is made of these."""
    followed: dict[str, Any] = {"base": Events("visits"), "conversion": Events("orders"), "entity": "who"}
    followed |= {"window": Period(2, "day")}
    return Subject(
        project="test",
        domain="diff",
        name="rolling",
        version=1,
        timezone="Europe/London",
        start="2024-01-01",
        sources=tuple(source(name, ("page",)) for name in ("visits", "orders")),
        metrics=(
            Metric("visits", "count", "visits"),
            Metric("rate", "conversion", **{**followed, **changed}, measured_as="rate"),
            Metric("number", "conversion", **{**followed, **changed}, measured_as="count"),
            *made,
        ),
        target=Target("rolling"),
        dimensions=(Dimension("page"),),
        grains=grains,
    )


def at(day: int, hour: int = 12) -> datetime:
    """An instant of January 2024."""
    return datetime(2024, 1, day, hour, tzinfo=timezone.utc)


def test_a_late_conversion_restates_what_reads_its_day_and_no_more(worlds: dict[str, World]) -> None:
    """Of windows of three days, the day of the base event and the two after it are written again."""
    three = Metric("three", "cumulative", metric="rate", window=Period(3, "day"))
    before = Input("number", "earlier", offset=Period(4, "day"))
    subject = daily(three, Metric("more", "derived", expr="number - earlier", inputs=(before,)))
    held = {
        "visits": events(*((day, f"v{day}", at(day)) for day in range(1, 11))),
        "orders": events((1, "v2", at(3))),
    }
    case = Case(subject, held, (date(2024, 1, 1), date(2024, 1, 11)), at(20))
    world = worlds["server"]
    with runs.loaded(world, held):
        runs.run(world, case)
        check(world, case)
        late = events((2, "v4", at(6, 11)))
        world.source["orders"].insert_many(late)
        days = (date(2024, 1, 6), date(2024, 1, 7))
        receipt = runs.run(world, case, days=days)["steps"]
        # The fourth and the fifth may have converted on the sixth. What reads the fourth are the two days
        # after it and the one four days later; what reads the sixth, which has one order more, are the
        # seventh, the eighth and the tenth.
        assert receipt["transform"]["dependants"] == {"day": 5}
        assert receipt["load"]["counts"]["day"]["changed"] == 4
        held["orders"] += late
        check(world, case)
        rows = {one["partition_date"][8:]: one for one in runs.published(world, subject, Grain.DAY)}
    assert [rows[f"{day:02}"]["three"] for day in range(1, 6)] == [0, 1 / 2, 1 / 3, 2 / 3, 1 / 3]
    assert [rows[f"{day:02}"]["more"] for day in (4, 5, 6, 8)] == [None, 0, -1, -1]


def test_the_last_conversion_of_a_window_is_seen_by_a_daily_schedule(worlds: dict[str, World]) -> None:
    """With `lookback_days` as long as the window, the night's run still finds what came on its last day."""
    subject = replace(daily(), lookback=Lookback(dense=2))
    world = worlds["server"]
    held = {"visits": events((1, "late", at(3, 23)), (2, "none", at(4))), "orders": []}
    with runs.loaded(world, held):
        for day in range(3, 8):
            if day == 6:  # on the fifth, after the run of that morning
                world.source["orders"].insert_many(events((1, "late", at(5, 22))))
            request = Request(subject, f"command/night{day}", now=at(day, 0) + timedelta(minutes=5))
            run_all(request, replace(world.setup, log=log.silent), tries=1)
        rows = {one["partition_date"]: one["number"] for one in runs.published(world, subject, Grain.DAY)}
    assert rows == {"2024-01-03": 1, "2024-01-04": 0, "2024-01-05": 0}


def test_another_spec_does_not_bring_in_all_that_was_written(worlds: dict[str, World]) -> None:
    """Where stored rows do not tell of events, only the days before those asked for join the run."""
    world = worlds["server"]
    held = {
        "visits": events(*((day, f"v{day}", at(day)) for day in range(1, 11))),
        "orders": events((1, "v8", at(9)), (2, "v3", at(4))),
    }
    case = Case(daily(), held, (date(2024, 1, 1), date(2024, 1, 11)), at(20))
    with runs.loaded(world, held):
        runs.run(world, case)
        other = replace(case, subject=daily(base=Events("visits", "n < 3")))
        receipt = runs.run(world, other, days=(date(2024, 1, 10), date(2024, 1, 11)))["steps"]
        assert receipt["transform"]["dependants"] == {"day": 2}


def test_rates_of_all_time_go_on_from_a_running_state(worlds: dict[str, World]) -> None:
    """The state takes conversions too; one that comes late takes it back, until it is made anew."""
    subject = daily(
        Metric("ever", "cumulative", metric="rate"),
        Metric("number_ever", "cumulative", metric="number"),
        Metric("part", "share", metric="number_ever", of=()),
        grains=(Grain.DAY, Grain.WEEK),
    )
    held = {
        "visits": events(*((day, f"v{day % 3}", at(day)) for day in range(1, 18))),
        "orders": events(*((day, f"v{day % 3}", at(day, 13)) for day in (2, 3, 7, 9))),
    }
    last = date(2024, 1, 18)
    world = worlds["server"]
    with runs.loaded(world, held):
        case = Case(subject, held, (date(2024, 1, 1), last), at(18))
        runs.run(world, case, days=(date(2024, 1, 1), date(2024, 1, 15)))
        for day in (15, 16):  # the first makes the state, and the second goes on from it
            runs.run(world, case, days=(date(2024, 1, day), date(2024, 1, day + 1)))
        (stamp,) = world.target["rolling__state"].find({"stamp": {"$exists": True}})
        assert stamp["stamp"]["reach"] == "2024-01-12"  # what came on the 15th may follow the 13th
        late = events((40, "v1", at(5, 1)))
        world.source["orders"].insert_many(late)
        held["orders"] += late
        runs.run(world, case, days=(date(2024, 1, 4), date(2024, 1, 5)))
        runs.run(world, case, days=(date(2024, 1, 17), last))
        check(world, case)


def test_hours_roll_over_conversions(worlds: dict[str, World]) -> None:
    """At grain hour a window of hours takes the base events of these hours, also of before the start."""
    three = Metric("three", "cumulative", metric="rate", window=Period(3, "hour"))
    grains = (Grain.HOUR, Grain.DAY)
    subject = replace(daily(three, grains=grains, window=Period(2, "hour")), start="2024-01-02")
    held = {
        "visits": events((1, "a", at(1, 23)), (2, "b", at(2, 0)), (3, "c", at(2, 1)), (4, "d", at(2, 5))),
        "orders": events((1, "a", at(2, 0)), (2, "c", at(2, 2)), (3, "b", at(2, 2)), (4, "d", at(2, 6))),
    }
    case = Case(subject, held, (date(2024, 1, 2), date(2024, 1, 3)), at(20))
    for world in worlds.values():
        with runs.loaded(world, held):
            runs.run(world, case)
            hours = {
                one["partition_hour"][:2]: (one["rate"], one["three"])
                for one in runs.published(world, subject, Grain.HOUR)
            }
            (day,) = runs.published(world, subject, Grain.DAY)
        # Of midnight one of two, of one o'clock two of three; the order of two hours after is too late.
        assert hours == {"00": (0, 1 / 2), "01": (1, 2 / 3), "02": (None, 1 / 2)} | {
            "05": (1, 1),
            "06": (None, 1),
        }
        assert (day["rate"], day["three"]) == (2 / 3, None)


def test_an_order_that_is_stored_twice_is_the_newest_of_its_partition(worlds: dict[str, World]) -> None:
    """Where the conversion's source is `unique`, its newest documents count, whatever else a run computes."""
    subject = daily(grains=(Grain.DAY, Grain.MONTH), window=Period(2, "hour"))
    visits, orders = subject.sources
    subject = replace(subject, sources=(visits, replace(orders, unique=("n",))))
    held = {
        "visits": events((1, "a", at(2, 23)), (2, "b", at(4))),
        # All are one order: of a day the last that it was stored counts, and of the month.
        "orders": events((1, "a", at(3, 0)), (2, "x", at(3, 20)), (3, "b", at(4, 13)), (4, "x", at(9))),
    }
    world = worlds["server"]
    first, second = (date(2024, 1, 1), date(2024, 1, 3)), (date(2024, 1, 3), date(2024, 2, 1))
    wanted = {"2024-01-02": 0, "2024-01-04": 1}
    for pieces in ([first, second], [second, first], [(first[0], second[1])]):
        with runs.loaded(world, held):
            case = Case(subject, held, (first[0], second[1]), at(20) + timedelta(days=40))
            for piece in pieces:
                runs.run(world, case, days=piece)
            found = {
                one["partition_date"]: one["number"] for one in runs.published(world, subject, Grain.DAY)
            }
            (month,) = runs.published(world, subject, Grain.MONTH)
        assert {day: found[day] for day in wanted} == wanted
        assert month["number"] == 0

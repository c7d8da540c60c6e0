"""Rolling, moved and shared conversions, in whole runs and in SQL, equal a walk over all events."""

from __future__ import annotations

import itertools
import os
from collections import defaultdict
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
from dashpipe.spec.model import Dimension, Events, Grain, Input, Metric, Period, Subject, Target
from tests.differential import runs
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
WITHIN = (Period(1, "hour"), Period(1, "day"), Period(3, "day"))
BACK = (Period(1, "day"), Period(3, "day"), Period(1, "week"), Period(10, "day"), Period(1, "month"))
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
    )
    midnight = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(tz)).astimezone(timezone.utc)
    hours = st.sampled_from([-800, -200, -50, -30, -3, -1, 0, 1, 5, 12, 23, 24, 25, 26, 47, 71, 73, 80, 170])
    held: dict[str, list[Document]] = {}
    for name in ("visits", "orders"):
        held[name] = [
            {
                "_id": number,
                "at": midnight + timedelta(hours=draw(hours)),
                "who": draw(st.sampled_from(["ann", "bob", "ann", None])),
                "n": draw(st.integers(1, 3)),
                **{one: draw(st.sampled_from(["a", "b", None])) for one in key},
            }
            for number in range(draw(st.integers(2, 14)))
        ]
    days = (day - timedelta(days=2), day + timedelta(days=draw(st.integers(1, 4))))
    days = (max(days[0], date.fromisoformat(subject.start)), days[1])
    return Case(subject, held, days, midnight + timedelta(days=200))


@st.composite
def histories(draw: Any) -> tuple[Case, dict[str, list[Document]], Pieces]:
    """A case, of which some days may not be over, the events that come late, and pieces of its days."""
    case = draw(cases())
    first, last = case.days
    late = {name: [one for one in some if draw(st.booleans())] for name, some in case.documents.items()}
    cuts = sorted(draw(st.sets(st.integers(1, (last - first).days), max_size=2)))
    edges = [first, *(first + timedelta(days=one) for one in cuts), last]
    pieces = [(a, b) for a, b in itertools.pairwise(edges) if a < b]
    midnight = datetime(last.year, last.month, last.day, tzinfo=ZoneInfo(case.subject.timezone))
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


def touched(case: Case, before: Case) -> set[date]:
    """The days whose own rows are others than before: of base events that are new, or convert anew."""
    zone = ZoneInfo(case.subject.timezone)
    found: set[date] = set()
    names = defaultdict(set)
    for name, some in before.documents.items():
        names[name] = {one["_id"] for one in some}
    for name, some in case.documents.items():
        found |= {one["at"].astimezone(zone).date() for one in some if one["_id"] not in names[name]}
    now, then = Followed(case), Followed(before)
    for metric in case.subject.metrics:
        if metric.type == "conversion":
            for wheres in itertools.product(
                [None, "n < 3"], [metric.where], [metric.base and metric.base.where]
            ):
                given_ = tuple(one for one in wheres if one)
                new, old = now.conversions(metric, given_), then.conversions(metric, given_)
                found |= {
                    day
                    for day, one in now.documents
                    if metric.base and one["in"] == metric.base.source
                    if new.get(one["_id"]) != old.get(one["_id"])
                }
    return found


@settings(max_examples=FEW)
@given(history=histories(), route=st.sampled_from(["server", "server", "cursor"]))
def test_pieces_in_any_order_equal_the_whole(
    worlds: dict[str, World], history: tuple[Case, dict[str, list[Document]], Pieces], route: str
) -> None:
    """What changes of a day by late events, in whatever piece is run, reaches all rows that read the day."""
    case, late, pieces = history
    world = worlds[route]
    early = {name: [one for one in some if one not in late[name]] for name, some in case.documents.items()}
    before = replace(case, documents=early)
    with runs.loaded(world, early):
        for piece in pieces:
            runs.run(world, case, days=piece)
        check(world, before)
        for name, some in late.items():
            if some:
                world.source[name].insert_many(some)
        days = touched(case, before)
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

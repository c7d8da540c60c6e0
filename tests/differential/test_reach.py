"""Offsets, cumulative metrics and shares: what stages compute on a server equals a walk over documents."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta, timezone
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from bson import Int64, ObjectId
from hypothesis import given
from hypothesis import strategies as st
from pymongo import MongoClient
from pymongo.database import Database

from dashpipe.compile import PASSES, Plan, compile_subject, emit, partition
from dashpipe.run import encode
from dashpipe.spec.model import (
    WEEKDAYS,
    Dimension,
    Field,
    Grain,
    Input,
    Metric,
    Period,
    Source,
    Subject,
    Target,
    Time,
)
from dashpipe.spec.moves import fits
from tests.compile.calendars import fiscals
from tests.differential.reaching import Document, Value, Walk

pytestmark = pytest.mark.differential

ZONES = ("Europe/London", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "UTC")
#: Days around which something happens: a leap day, clock changes, ISO week 53, a new year.
DAYS = (date(2024, 2, 28), date(2024, 3, 31), date(2024, 11, 3), date(2021, 1, 3), date(2023, 12, 30))
WHERES = {"n > 1": lambda one: (one.get("n") or 0) > 1, "s = 'a'": lambda one: one.get("s") == "a"}
WINDOWS = ("3 day", "7 day", "1 week", "2 week", "1 month", "1 quarter", "1 year", "1 day")
WINDOWS += ("2 fiscal_month", "1 fiscal_quarter", "1 fiscal_year")
OFFSETS = ("1 day", "7 day", "1 week", "1 month", "1 quarter", "1 year", "2 year")
OFFSETS += ("1 fiscal_month", "1 fiscal_year")
TO_DATE = ("month", "quarter", "year", "fiscal_month", "fiscal_quarter", "fiscal_year")


DAILY = ("average", "min", "max")

CARRIES = (None, "always", "1 day", "7 day", "1 month", "1 fiscal_month")
PERS = (("first", ()), ("last", ()), ("last", ("s",)), ("first", ("s",)), ("last", ("s", "t")))


def _end(carry: str | None, kind: tuple[str, tuple[str, ...]], where: str | None) -> Metric:
    """A first or last value, of each key of its own or not, carried or not."""
    type_, per = kind
    taken = period(carry) if carry is not None and carry != "always" else carry
    return Metric("end", type_, "docs", expr="n", per=per, carry=taken, where=where)


def period(text: str) -> Period:
    """A period from its text."""
    count, _, unit = text.partition(" ")
    return Period(int(count), unit)


@pytest.fixture(scope="module")
def scratch(mongo: MongoClient[Document]) -> Iterator[Database[Document]]:
    """One database for all cases: each leaves it empty."""
    name = f"reach_{os.getpid()}"
    yield mongo[name]
    mongo.drop_database(name)


@st.composite
def metrics(draw: Any, grains: tuple[Grain, ...], key: tuple[str, ...]) -> tuple[Metric, ...]:
    """Random metrics over one source, and composites of composites that reach beyond their row."""
    where = st.sampled_from([None, None, *WHERES])
    made = [
        Metric("lessons", "count", "docs", where=draw(where)),
        Metric("minutes", "sum", "docs", expr="n", where=draw(where), has_empty=draw(st.booleans())),
        Metric("mean", "avg", "docs", expr="n"),
        Metric("least", "min", "docs", expr="n", where=draw(where)),
        Metric("names", "count_distinct", "docs", expr="s", where=draw(where)),
        Metric("rate", "ratio", numerator="minutes", denominator="lessons"),
    ]
    ends = draw(st.lists(st.builds(_end, st.sampled_from(CARRIES), st.sampled_from(PERS), where), max_size=3))
    made += [replace(one, name=f"{one.type}_{at}") for at, one in enumerate(ends)]
    # What may be cumulated: nothing that is cumulated, carried or moved itself; and what may be shared.
    runs = [one.name for one in made if one.carry is None]
    parts = ["lessons", "minutes", "names", *(one.name for one in made if one.per)]
    shares: list[str] = []  # what is made of shares: of no days by themselves
    for at in range(draw(st.integers(1, 5))):
        name = f"made_{at}"
        kind = draw(st.sampled_from(["window", "to_date", "all", "offset", "derived", "share"]))
        if kind in ("window", "to_date", "all"):
            inner = draw(st.sampled_from(runs))
            reach: dict[str, Any] = {
                "window": {"window": period(draw(st.sampled_from(WINDOWS)))},
                "to_date": {"to_date": draw(st.sampled_from(TO_DATE))},
                "all": {},
            }[kind]
            agg = draw(st.sampled_from([None, None, "first", "last", "average", "min", "max"]))
            one = Metric(name, "cumulative", metric=inner, period_agg=agg, where=draw(where), **reach)
            if agg in DAILY and inner in shares:
                continue
            if inner in parts and agg not in DAILY:
                parts.append(name)
        elif kind == "offset":
            by = period(draw(st.sampled_from(OFFSETS)))
            inner = draw(st.sampled_from(made)).name
            own = tuple(one for one in grains if fits(one, -by.n, Grain(by.unit)))
            if not own:
                continue
            now = draw(st.sampled_from(made)).name
            form = draw(st.sampled_from(["{} / before", "{} - before", "before + {}"]))
            inputs = (Input(inner, "before", draw(where), by),)
            empty = {"has_empty": True, "empty": 0} if draw(st.integers(0, 3)) == 0 else {}
            one = Metric(name, "derived", expr=form.format(now), inputs=inputs, grains=own, **empty)
        elif kind == "derived":
            a, b = (draw(st.sampled_from(made)).name for _ in range(2))
            one = Metric(name, "derived", expr=f"{a} - {b}")
            if a in runs and b in runs:
                runs.append(name)
            if a in shares or b in shares:
                shares.append(name)
        elif key:
            of = tuple(draw(st.lists(st.sampled_from(key), unique=True, max_size=len(key))))
            one = Metric(name, "share", metric=draw(st.sampled_from(parts)), of=of)
            runs.append(name) if one.metric in ("lessons", "minutes", "names") else None
            shares.append(name)
        else:
            continue
        made.append(replace(one, grains=_grains(one, made, grains)))
    return tuple(made)


def _grains(metric: Metric, made: list[Metric], grains: tuple[Grain, ...]) -> tuple[Grain, ...] | None:
    """The grains that all parts of a composite have."""
    named = {*(metric.expr or "").split(), *(one.metric for one in metric.inputs), metric.metric}
    kept = [one for one in grains if metric.grains is None or one in metric.grains]
    for one in made:
        if one.name in named and one.grains is not None:
            kept = [grain for grain in kept if grain in one.grains]
    return None if len(kept) == len(grains) else tuple(kept)


@st.composite
def cases(draw: Any) -> tuple[Subject, list[Document], list[date]]:
    """A random subject, documents, and days to compute."""
    day, tz = draw(st.sampled_from(DAYS)), draw(st.sampled_from(ZONES))
    order = tuple(one for one in Grain if one is not Grain.HOUR)
    grains = tuple(draw(st.lists(st.sampled_from(order), min_size=1, max_size=3, unique=True)))
    key = tuple(draw(st.lists(st.sampled_from(["c", "t"]), unique=True, max_size=2)))
    given = draw(metrics(grains, key))
    subject = Subject(
        project="test",
        domain="diff",
        name="reach",
        version=1,
        timezone=tz,
        start=(day - timedelta(days=draw(st.sampled_from([1, 40, 500])))).isoformat(),
        sources=(
            Source(
                "docs",
                "docs",
                Time("at"),
                fields=(Field("n", "integer"), Field("s", "string"), *(Field(one, "string") for one in key)),
                dimensions=tuple(Dimension(one) for one in key),
                incremental=draw(st.booleans()),
            ),
        ),
        metrics=tuple(one for one in given if one.grains != ()),
        target=Target("reach"),
        dimensions=tuple(Dimension(one) for one in key),
        grains=grains,
        week_start=draw(st.sampled_from(WEEKDAYS)),
        fiscal=draw(fiscals),
    )
    zone = ZoneInfo(tz)
    back = st.sampled_from([0, 0, 0, 1, 1, 2, 3, 6, 7, 8, 27, 28, 29, 30, 31, 60, 90, 365, 366, 371, 730])
    documents = []
    for number in range(draw(st.integers(0, 40))):
        local = day - timedelta(days=draw(back) - draw(st.integers(0, 3)))
        at = datetime(local.year, local.month, local.day, draw(st.integers(0, 23)), 30, tzinfo=zone)
        one = {"_id": number, "at": at.astimezone(timezone.utc)}
        one |= {"n": draw(st.sampled_from([None, 0, 1, 2, 3, 2**53 + 1])), "s": draw(st.sampled_from("abc"))}
        one |= {name: draw(st.sampled_from([None, "x", "y|"])) for name in key}
        documents.append({name: value for name, value in one.items() if value is not None or number % 2})
    return subject, documents, [day + timedelta(days=more) for more in range(draw(st.integers(1, 4)))]


def computed(
    database: Database[Document], plan: Plan, grain: Grain, labels: tuple[str, ...], documents: list[Document]
) -> list[Document]:
    """The rows of a grain by stages alone, from the states of days where the plan says that it may be."""
    calendar = plan.subject.calendar
    names = {of: f"whole_{ObjectId()}" for of in emit.wholes(plan, grain)}
    days_of = {of: f"days_{ObjectId()}" for of in emit.days(plan, grain)}
    into = emit.Ref(database.name, f"parts_{ObjectId()}")
    places = emit.places(into.collection, names, days_of)
    if not plan.subject.key:
        database[into.collection].insert_many(emit.spine(plan, labels))

    def run(name: str, stages: emit.Stages, place: emit.Ref) -> None:
        emit.verify(stages)
        database[name].aggregate(encode.to_bson([*stages, *emit.merge(place)]), allowDiskUse=True)

    for stages in emit.scan(plan, grain, "docs", labels, None):
        run("docs", stages, into)
    # The days of all time, half of them as if published, the others as if of this run.
    spans = {partition.of_instant(Grain.DAY, one["at"], calendar) for one in documents}
    days = tuple(sorted(spans | (set(labels) if grain is Grain.DAY else set())))
    staged = tuple(one for one in days if one in labels) if grain is Grain.DAY else days[::2]
    if days and plan.kept:
        _values_of(database, plan, days, staged)
    if plan.kept_at("docs", grain):
        for stages in emit.of_values(plan, grain, "docs", labels, staged, "kept", None):
            run("values", stages, into)
    how = plan.merging("docs", grain)
    for of, stages in emit.scans(plan, grain, "docs", labels, merging=how is not None):
        run("docs", stages, emit.Ref(database.name, places[of]))
    if how is not None:
        if days:
            _rows_of(database, plan, days, "target")
            # What is published of days that this run has computed anew no longer counts.
            wrong = {f"_state.{plan.source('docs').presence.id}": 1000}
            wrong |= {f"_state.{leaf.id}": 1000 for leaf in plan.source("docs").own_at(Grain.DAY)}
            old = {"partition_date": {"$in": list(staged)}}
            kept = {name: value for name, value in wrong.items() if name.startswith("_state.count")}
            database["target"].update_many(old, {"$inc": kept})
        ours = into.collection
        if grain is not Grain.DAY:
            ours = "staging"
            if staged:
                _rows_of(database, plan, staged, ours)
        for of, stages in emit.over_states(plan, grain, "docs", labels, staged, "target"):
            run(ours, stages, emit.Ref(database.name, places[of]))
        for of, stages in emit.over_values(plan, grain, "docs", labels, staged, "kept"):
            run("values", stages, emit.Ref(database.name, places[of]))
    for each, name in days_of.items():
        run(into.collection, emit.days_of(plan, grain, each, labels), emit.Ref(database.name, name))
        run(name, emit.over_days(plan, grain, each), into)
    for of, name in names.items():
        for stages in emit.of_parts(plan, grain, of, None):
            run(into.collection, stages, emit.Ref(database.name, name))
    final = emit.finalise(plan, grain, (), {}, None, names)
    return list(database[into.collection].aggregate(encode.to_bson(final), allowDiskUse=True))


def _rows_of(database: Database[Document], plan: Plan, days: tuple[str, ...], name: str) -> None:
    """Rows of days with their states alone, as rows keep them."""
    parts = f"{name}_parts"
    for stages in emit.scan(plan, Grain.DAY, "docs", days, emit.Ref(database.name, parts)):
        database["docs"].aggregate(encode.to_bson(stages), allowDiskUse=True)
    kept = [leaf.id for leaf in plan.source("docs").own_at(Grain.DAY) if leaf.stored]
    rows = [
        {
            "_id": one["_id"],
            **one.get("k", {}),
            "partition_date": one["p"],
            "_state": {leaf: one[leaf] for leaf in kept if leaf in one},
        }
        for one in database[parts].find()
    ]
    database[parts].drop()
    if rows:
        database[name].insert_many(rows)


def _values_of(
    database: Database[Document], plan: Plan, days: tuple[str, ...], staged: tuple[str, ...]
) -> None:
    """The values that days keep: as if published, and of some again as if of this run, and these count."""
    kept = emit.merge(emit.Ref(database.name, "kept"))
    for stages in emit.values(plan, "docs", days):
        database["docs"].aggregate(encode.to_bson([*stages, *kept]), allowDiskUse=True)
    mine = list(database["kept"].find({"partition_date": {"$in": list(staged)}}))
    if mine:
        database["values"].insert_many(mine)
        old = [{**one, "_id": f"old {one['_id']}", "v": f"old {one['v']}"} for one in mine]
        database["kept"].insert_many(old)


def same(mine: Any, theirs: Value) -> bool:
    """Whether a stored value is the true one: whole numbers exactly, doubles nearly."""
    if isinstance(mine, Int64):
        return theirs.value is not None and Fraction(theirs.value) == int(mine)
    assert mine is None or isinstance(mine, float), (mine, theirs)
    return theirs.fits(mine)


@given(case=cases(), off=st.sampled_from([(), (), ("rollup",), ("fuse",), tuple(PASSES)]))
def test_values_equal_a_walk_over_the_documents(
    scratch: Database[Document], case: tuple[Subject, list[Document], list[date]], off: tuple[str, ...]
) -> None:
    """Each value is that of its own documents and no other row is added, from states and from the source."""
    subject, documents, days = case
    plan = compile_subject(subject, off)
    truth = Walk(subject, documents, WHERES)
    for grain in plan.grains:
        try:
            if documents:
                scratch["docs"].insert_many(documents)
            labels = tuple(sorted({partition.of_date(grain, day, subject.calendar) for day in days}))
            found = computed(scratch, plan, grain, labels, documents)
        finally:
            for name in scratch.list_collection_names():
                scratch.drop_collection(name)
        wanted = truth.rows(grain, days)
        key = [one.name for one in subject.key]
        rows = {(date.fromisoformat(one["partition_date"]), *(one[k] for k in key)): one for one in found}
        assert rows.keys() == wanted.keys()
        for at, row in rows.items():
            for name, value in wanted[at].items():
                assert same(row[name], value), (grain, at, name, row[name], value)


def test_whole_numbers_that_no_double_holds_are_averaged(scratch: Database[Document]) -> None:
    """The mean of days is that of sums above 2^53, which one engine refuses to average as they are."""
    ever = Metric("ever", "cumulative", metric="minutes", period_agg="average")
    subject = Subject(
        project="test",
        domain="diff",
        name="reach",
        version=1,
        timezone="UTC",
        start="2024-01-01",
        sources=(Source("docs", "docs", Time("at"), fields=(Field("n", "integer"),)),),
        metrics=(Metric("minutes", "sum", "docs", expr="n"), ever),
        target=Target("reach"),
        grains=(Grain.DAY, Grain.WEEK),
    )
    documents = [{"_id": 1, "at": datetime(2024, 4, 3, 12, tzinfo=timezone.utc), "n": Int64(2**53 + 1)}]
    plan = compile_subject(subject)
    try:
        scratch["docs"].insert_many(documents)
        (week,) = computed(scratch, plan, Grain.WEEK, ("2024-04-01",), documents)
    finally:
        for name in scratch.list_collection_names():
            scratch.drop_collection(name)
    assert week["ever"] == pytest.approx((2**53 + 1) * 5 / 7, rel=1e-12)

"""Rows grouped by what is looked up: values of several keys, and windows, against a plain walk."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta, timezone
from fractions import Fraction
from math import ceil, isclose
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dashpipe.compile import compile_subject
from dashpipe.run import run_all
from dashpipe.run.base import Request
from dashpipe.run.errors import RunError
from dashpipe.spec.model import (
    Dimension,
    Events,
    Field,
    Fill,
    Grain,
    Input,
    Lookup,
    Metric,
    Period,
    Source,
    Subject,
    Target,
    Time,
    Unwind,
    Valid,
)
from tests.differential import duck
from tests.run.test_load import lacking
from tests.run.world import World, at

Document = dict[str, Any]
Row = dict[str, Any]

FEW = max(2, settings().max_examples // 25)
FIRST, END = date(2024, 2, 26), date(2024, 3, 11)
ENDED = datetime(2024, 5, 1, tzinfo=timezone.utc)
FIELDS = (
    Field("teacher", "integer"),
    Field("course", "string"),
    Field("student", "string"),
    Field("n", "integer"),
    Field("x", "number"),
)
LESSONS = Source(
    "lessons", "lessons", Time("at"), fields=FIELDS, dimensions=(Dimension("teacher"), Dimension("course"))
)
COUNTRY = Dimension("country", lookup=Lookup("teachers", "teacher", "no", "country", "source"))
HELD = replace(
    COUNTRY, lookup=Lookup("teachers", "teacher", "no", "country", "source", Valid("since", "until"))
)


def metric(name: str, type_: str, expr: str | None = None, **keys: Any) -> Metric:
    """A metric over lessons."""
    return Metric(name, type_, source="lessons", expr=expr, **keys)


def composite(name: str, type_: str, **keys: Any) -> Metric:
    """A metric of metrics."""
    return Metric(name, type_, **keys)


VALUES = (
    metric("lessons", "count"),
    metric("minutes", "sum", "n"),
    metric("students", "count_distinct", "student"),
    metric("keen", "count_distinct", "student", having="minutes >= 3"),
    metric("few", "count_distinct", "student", cardinality_at_most=9),
    metric("middle", "median", "x"),
    metric("high", "percentile", "x", p="0.9"),
    metric("about", "percentile", "x", p="0.5", approximate=True),
    metric("best", "top", "student", k=2, by="n"),
    metric("often", "top", "student", k=1),
    metric("stock", "last", "x", per=("student",)),
    metric("balance", "last", "x", per=("student",), carry="always"),
    metric("carried", "last", "x", carry=Period(3, "day")),
)
DAY, WEEK = (Grain.DAY,), (Grain.WEEK,)
DAY_BEFORE = Input("minutes", "b", offset=Period(1, "day"))
WEEK_BEFORE = Input("students", "b", offset=Period(1, "week"))
WINDOWS = (
    *VALUES[:3],
    composite("minutes_3d", "cumulative", metric="minutes", window=Period(3, "day")),
    composite("students_3d", "cumulative", metric="students", window=Period(3, "day")),
    composite("minutes_mtd", "cumulative", metric="minutes", to_date="month"),
    composite("minutes_ever", "cumulative", metric="minutes"),
    composite("growth", "derived", expr="minutes - b", inputs=(DAY_BEFORE,), grains=DAY),
    composite("new", "derived", expr="students - b", inputs=(WEEK_BEFORE,), grains=WEEK),
    composite("of_country", "share", metric="minutes", of=("country",)),
    composite("of_course", "share", metric="students", of=("course",)),
    composite("of_all", "share", metric="minutes_3d", of=()),
    composite("mean_ever", "cumulative", metric="minutes", period_agg="average", grains=WEEK),
)  # fmt: skip
BY_DAY = tuple(one for one in WINDOWS if one.grains != WEEK)
SUBJECT = Subject(
    project="school",
    domain="dash",
    name="country",
    version=1,
    timezone="UTC",
    start="2024-01-01",
    sources=(LESSONS,),
    metrics=VALUES,
    target=Target("daily", max_removed=1.0),
    dimensions=(Dimension("course"), COUNTRY),
    grains=(Grain.DAY, Grain.WEEK),
)


@dataclass(frozen=True)
class Held:
    """Lessons, teachers, and whether the teachers' countries hold for some time only."""

    lessons: list[Document]
    teachers: list[Document]
    valid: bool

    @property
    def subject(self) -> Subject:
        """The subject that groups by their countries."""
        return replace(SUBJECT, dimensions=(Dimension("course"), HELD if self.valid else COUNTRY))


@st.composite
def worlds(draw: st.DrawFn) -> Held:
    """Lessons of teachers that are known, unknown or null, who share students, and may move."""
    lessons = []
    for number in range(draw(st.integers(1, 26))):
        day = draw(st.integers(-4, (END - FIRST).days - 1))
        lessons.append(
            {
                "_id": number,
                "at": datetime(2024, 2, 26, 9, tzinfo=timezone.utc) + timedelta(days=day, seconds=number),
                "teacher": draw(st.sampled_from([1, 2, 3, 4, 9, None])),
                "course": draw(st.sampled_from(["art", "a|b"])),
                "student": draw(st.sampled_from(["ann", "bob", "cem", None])),
                "n": draw(st.sampled_from([None, 0, 1, 3])),
                "x": draw(st.sampled_from([None, 0.5, 2.0, 7.25])),
            }
        )
    countries = st.sampled_from(["GB", "FR", None])
    valid = draw(st.booleans())
    teachers: list[Document] = []
    for no in (1, 2, 3, 4):
        moves = sorted(draw(st.sets(st.integers(0, 13), max_size=2))) if valid else []
        edges = [None, *((FIRST + timedelta(days=one)).isoformat() for one in moves), None]
        for since, until in itertools.pairwise(edges):
            teachers.append({"no": no, "country": draw(countries), "since": since, "until": until})
    return Held(lessons, teachers, valid)


class Walk:
    """The rows, document by document: knows nothing of hidden keys, parts or states."""

    def __init__(self, held: Held) -> None:
        self.held = held

    def land(self, teacher: Any, day: date) -> Any:
        """Where a teacher is on a day."""
        for one in self.held.teachers:
            since, until = one["since"] or "0", one["until"] or "9"
            if one["no"] == teacher and since <= day.isoformat() < until:
                return one["country"]
        return None

    def of(self, start: date | None, last: date, as_of: date, **key: Any) -> list[Document]:
        """The lessons of some days, of a course and of a country as of a day, where these are told."""
        return [
            one
            for one in self.held.lessons
            if (start is None or start <= one["at"].date())
            and one["at"].date() <= last
            and ("course" not in key or one["course"] == key["course"])
            and ("country" not in key or self.land(one["teacher"], as_of) == key["country"])
        ]

    def rows(self, grain: Grain, metrics: Iterable[Metric]) -> dict[tuple[Any, ...], Row]:
        """The rows of a grain, by partition and key."""
        length = timedelta(days=1 if grain is Grain.DAY else 7)
        found = {}
        start = FIRST
        while start < END:
            last = start + length - timedelta(days=1)
            for course, country in {
                (one["course"], self.land(one["teacher"], last)) for one in self.of(start, last, last)
            }:
                key = {"course": course, "country": country}
                values = {
                    one.name: self.value(one.name, grain, start, last, key)
                    for one in metrics
                    if not one.grains or grain in one.grains
                }
                found[start.isoformat(), course, country] = values
            start += length
        return found

    def value(self, name: str, grain: Grain, start: date, last: date, key: Row) -> Any:
        """A metric of a row."""
        docs = self.of(start, last, last, **key)
        if name in PLAIN:
            return PLAIN[name](docs)
        three = self.of(last - timedelta(days=2), last, last, **key)
        match name:
            case "stock":
                return self.stock(start, last, key)
            case "balance":
                return self.stock(None, last, key)
            case "carried":
                before = self.of(start - timedelta(days=3), start - timedelta(days=1), last, **key)
                own = latest(docs)
                return latest(before) if own is None else own
            case "minutes_3d":
                return minutes(three)
            case "students_3d":
                return students(three)
            case "minutes_mtd":
                return minutes(self.of(last.replace(day=1), last, last, **key))
            case "minutes_ever":
                return minutes(self.of(None, last, last, **key))
            case "growth" | "new":
                by = timedelta(days=1 if grain is Grain.DAY else 7)
                before = self.of(start - by, last - by, last - by, **key)
                made = minutes if name == "growth" else students
                return float(made(docs) - made(before))
            case "of_country":
                return share(minutes(docs), minutes(self.of(start, last, last, country=key["country"])))
            case "of_course":
                return share(students(docs), students(self.of(start, last, last, course=key["course"])))
            case "of_all":
                return share(minutes(three), minutes(self.of(last - timedelta(days=2), last, last)))
        assert name == "mean_ever"
        days = [start + timedelta(days=at) for at in range((last - start).days + 1)]
        return sum(minutes(self.of(None, day, last, **key)) for day in days) / len(days)

    def stock(self, start: date | None, last: date, key: Row) -> float | None:
        """The last x of each student, where the lesson was that it is of."""
        newest: dict[Any, Document] = {}
        for one in self.of(start, last, last):
            if one["x"] is not None:
                newest[one["student"]] = max(
                    one, newest.get(one["student"], one), key=lambda each: (each["at"], each["_id"])
                )
        mine = {one["_id"] for one in self.of(start, last, last, **key)}
        found = [one["x"] for one in newest.values() if one["_id"] in mine]
        return sum(found) if found else None


def minutes(docs: list[Document]) -> int:
    """The sum of n."""
    return sum(one["n"] or 0 for one in docs)


def students(docs: list[Document]) -> int:
    """How many different students."""
    return len({one["student"] for one in docs} - {None})


def keen(docs: list[Document]) -> int:
    """How many of them with three minutes or more."""
    told = {one["student"] for one in docs} - {None}
    return sum(minutes([one for one in docs if one["student"] == student]) >= 3 for student in told)


def ranked(docs: list[Document], p: Fraction) -> Any:
    """The x of rank p·n."""
    found = sorted(one["x"] for one in docs if one["x"] is not None)
    return found[ceil(p * len(found)) - 1] if found else None


def middle(docs: list[Document]) -> Any:
    """The median of x."""
    found = sorted(one["x"] for one in docs if one["x"] is not None)
    return (found[(len(found) - 1) // 2] + found[len(found) // 2]) / 2 if found else None


def listed(docs: list[Document], k: int, by: str | None) -> list[Document]:
    """The first students by rows or by a sum."""
    found: Counter[str] = Counter()
    for one in docs:
        if one["student"] is not None:
            found[one["student"]] += 1 if by is None else one[by] or 0
    order = sorted(found.items(), key=lambda pair: (-pair[1], pair[0]))
    return [{"value": value, "n": n} for value, n in order[:k]]


def latest(docs: list[Document]) -> Any:
    """The last x."""
    found = [one for one in docs if one["x"] is not None]
    return max(found, key=lambda one: (one["at"], one["_id"]))["x"] if found else None


def share(part: float, whole: float) -> float | None:
    """A part of a whole."""
    return part / whole if whole else None


PLAIN: dict[str, Any] = {
    "lessons": len,
    "minutes": minutes,
    "students": students,
    "keen": keen,
    "few": students,
    "middle": middle,
    "high": lambda docs: ranked(docs, Fraction(9, 10)),
    "about": lambda docs: ranked(docs, Fraction(1, 2)),
    "best": lambda docs: listed(docs, 2, "n"),
    "often": lambda docs: listed(docs, 1, None),
}


def run(world: World, subject: Subject, start: date = FIRST, end: date = END, now: datetime = ENDED) -> Row:
    """One run over some days."""
    request = Request(subject, f"test/{start}/{now}", "command", start=start, end=end, now=now)
    done: Row = run_all(request, world.setup)
    return done


def fill(world: World, held: Held) -> None:
    """Put documents into the source, and nothing into the target."""
    world.fill(held.lessons, "lessons")
    world.fill(held.teachers, "teachers")
    for name in world.target.list_collection_names():
        if name != "dashpipe_capabilities":
            world.target.drop_collection(name)


def labels(grain: Grain) -> tuple[str, ...]:
    """The partitions of all days."""
    step = 1 if grain is Grain.DAY else 7
    return tuple((FIRST + timedelta(days=at)).isoformat() for at in range(0, (END - FIRST).days, step))


def shown(world: World, held: Held, subject: Subject, **more: list[Document]) -> None:
    """The SQL that is shown gives the published rows."""
    documents = {"lessons": held.lessons, "country": held.teachers, **more}
    plan = compile_subject(subject)
    for name, grain in (("daily", Grain.DAY), ("daily_week", Grain.WEEK)):
        if grain in subject.grains:
            found = duck.rows(plan, grain, labels(grain), documents)
            key = ("partition_date", "course", "country")
            assert not duck.differences(world.rows(name), found, key), grain


def check(world: World, held: Held, subject: Subject) -> None:
    """The published rows are exactly those of the walk."""
    for name, grain in (("daily", Grain.DAY), ("daily_week", Grain.WEEK)):
        wanted = Walk(held).rows(grain, subject.metrics)
        rows = {(one["partition_date"], one["course"], one["country"]): one for one in world.rows(name)}
        assert rows.keys() == wanted.keys(), name
        for key, values in wanted.items():
            for metric_, value in values.items():
                ours = rows[key][metric_]
                same = ours == value
                if isinstance(value, float) and ours is not None:
                    same = isclose(ours, value, abs_tol=1e-9)
                assert same, (key, metric_, ours, value)


@settings(max_examples=FEW, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(held=worlds())
def test_values_of_several_keys_count_once(either: World, held: Held) -> None:
    """Distinct counts, ranks, lists and balances are those of all documents of the looked-up value."""
    fill(either, held)
    run(either, held.subject)
    check(either, held, held.subject)
    shown(either, held, held.subject)


@settings(max_examples=FEW, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(held=worlds(), data=st.data())
def test_windows_are_of_the_keys_of_the_row(either: World, held: Held, data: st.DataObject) -> None:
    """In any pieces and order, with late lessons: what a row reaches back to is of those it is of itself.

    Only the pieces with late lessons are run again: what else reads these is written by the same runs.
    """
    subject = replace(held.subject, metrics=WINDOWS)
    late = [one for one in held.lessons if one["at"].date() >= FIRST and data.draw(st.booleans())]
    early = replace(held, lessons=[one for one in held.lessons if one not in late])
    cut = FIRST + timedelta(days=data.draw(st.integers(1, (END - FIRST).days - 1)))
    pieces = data.draw(st.permutations([(FIRST, cut), (cut, END)]))
    fill(either, early)
    for start, end in pieces:
        run(either, subject, start, end)
    check(either, early, subject)
    either.fill(held.lessons, "lessons")
    for start, end in pieces:
        if any(start <= one["at"].date() < end for one in late):
            run(either, subject, start, end, ENDED + timedelta(hours=1))
    check(either, held, subject)
    shown(either, held, subject)


def lesson(number: int, day: str, teacher: Any, student: str = "ann", **more: Any) -> Document:
    """A lesson at noon."""
    at = datetime.fromisoformat(f"{day}T12:00:00+00:00")
    given = {"_id": number, "at": at, "teacher": teacher, "course": "art", "student": student}
    return {**given, "n": 1, "x": float(number), **more}


GB = {"country": "GB", "since": None, "until": None}
MOVED = [
    {"no": 1, "country": "GB", "since": None, "until": "2024-03-06"},
    {"no": 1, "country": "FR", "since": "2024-03-06", "until": None},
]


def test_a_window_follows_its_keys_and_an_offset_leads_to_the_row_before(world: World) -> None:
    """A teacher who moved brings three days' lessons along; the day before is what it showed then."""
    held = Held([lesson(1, "2024-03-05", 1), lesson(2, "2024-03-06", 1)], MOVED, valid=True)
    subject = replace(held.subject, metrics=WINDOWS)
    fill(world, held)
    run(world, subject)
    rows = [(one["country"], one["lessons"], one["minutes_3d"], one["growth"]) for one in world.rows()]
    assert rows == [("GB", 1, 1, 1.0), ("FR", 1, 2, 1.0)]
    (week,) = world.rows("daily_week")
    assert (week["country"], week["minutes"], week["minutes_3d"]) == ("FR", 2, 0)


def test_without_validity_a_window_takes_what_is_found_now(world: World) -> None:
    """A day that is run again after a teacher moved is whole: also what it reaches back to has moved."""
    held = Held([lesson(1, "2024-03-05", 1), lesson(2, "2024-03-06", 1)], [{"no": 1, **GB}], valid=False)
    subject = replace(held.subject, metrics=BY_DAY, grains=DAY)
    fill(world, held)
    run(world, subject)
    world.source["teachers"].update_one({"no": 1}, {"$set": {"country": "FR"}})
    run(world, subject, date(2024, 3, 6), date(2024, 3, 7), ENDED + timedelta(hours=1))
    rows = [(one["country"], one["minutes"], one["minutes_3d"]) for one in world.rows()]
    assert rows == [("GB", 1, 1), ("FR", 1, 2)]


def test_two_countries_on_a_day_that_an_offset_leads_to_stop_the_run(world: World) -> None:
    """The day before the first that is written is looked up too: both documents are named."""
    twice = [{"no": 1, **GB}, {"no": 1, "country": "FR", "since": "2024-03-05", "until": "2024-03-06"}]
    held = Held([lesson(1, "2024-03-05", 1), lesson(2, "2024-03-06", 1)], twice, valid=True)
    fill(world, held)
    with pytest.raises(RunError, match=r"of no 1 two documents of teachers hold on 2024-03-05"):
        run(world, replace(held.subject, metrics=BY_DAY, grains=DAY), date(2024, 3, 6))
    assert world.rows() == []


def test_more_values_than_were_promised_stop_the_run(either: World) -> None:
    """Two teachers have one student each, and their country two, where one was promised."""
    held = Held(
        [lesson(1, "2024-03-05", 1, "ann"), lesson(2, "2024-03-05", 2, "bob")],
        [{"no": 1, **GB}, {"no": 2, **GB}],
        valid=False,
    )
    few = metric("few", "count_distinct", "student", cardinality_at_most=1)
    fill(either, held)
    with pytest.raises(RunError, match="there are 2 values, and `cardinality_at_most` is 1"):
        run(either, replace(held.subject, metrics=(few,)))
    assert either.rows() == []


def test_a_server_without_windows_gives_the_same_values(world: World) -> None:
    """Ranks and lists are folded from arrays there."""
    lessons = [
        lesson(number, f"2024-03-0{5 + number % 2}", 1 + number % 3, "abc"[number % 3]) for number in range(9)
    ]
    held = Held(lessons, [{"no": no, **GB} for no in (1, 2, 3)], valid=False)
    fill(world, held)
    lacking(world, "window_fields", "percentile")
    run(world, held.subject)
    check(world, held, held.subject)


def test_rows_that_are_added_are_of_what_was_found(world: World) -> None:
    """A country has a row for two days after its last lesson, whoever gave that."""
    held = Held(
        [lesson(1, "2024-03-05", 1), lesson(2, "2024-03-06", 2)],
        [{"no": 1, **GB}, {"no": 2, **GB}],
        valid=False,
    )
    filled = metric("lessons", "count", fill=Fill(0, Period(2, "day")))
    subject = replace(held.subject, metrics=(filled, VALUES[2]), grains=DAY)
    fill(world, held)
    for day in (date(2024, 3, 7), date(2024, 3, 6), date(2024, 3, 5)):
        run(world, subject, day, day + timedelta(days=2))
    rows = [(one["partition_date"][8:], one["lessons"], one.get("filled")) for one in world.rows()]
    assert rows == [("05", 1, None), ("06", 1, None), ("07", 0, True), ("08", 0, True)]


def test_conversions_count_where_the_base_event_is(world: World) -> None:
    """A student who comes to two teachers of a country and buys once converts one of the two lessons.

    On the day of that lesson it is all of them, of the last seven days half.
    """
    buys = Source("buys", "buys", Time("at"), fields=FIELDS, dimensions=LESSONS.dimensions)
    bought = Metric(
        "bought",
        "conversion",
        base=Events("lessons"),
        conversion=Events("buys"),
        entity="student",
        window=Period(2, "day"),
        measured_as="rate",
    )
    held = Held(
        [lesson(1, "2024-03-05", 1), lesson(2, "2024-03-06", 2)],
        [{"no": 1, **GB}, {"no": 2, **GB}],
        valid=False,
    )
    lately = composite("bought_7d", "cumulative", metric="bought", window=Period(7, "day"))
    subject = replace(held.subject, sources=(LESSONS, buys), metrics=(VALUES[0], bought, lately))
    fill(world, held)
    buying = [lesson(7, "2024-03-07", 9)]
    world.fill(buying, "buys")
    run(world, subject)
    rows = {one["country"]: (one["lessons"], one["bought"]) for one in world.rows("daily_week")}
    assert rows == {"GB": (2, 0.5), None: (0, None)}
    days = [(one["partition_date"][8:], one["bought"], one["bought_7d"]) for one in world.rows()]
    assert days == [("05", 0.0, 0.0), ("06", 1.0, 0.5), ("07", None, None)]
    shown(world, held, subject, buys=buying)


@pytest.mark.parametrize("by", ["who", "part.who"])
def test_elements_and_documents_count_in_their_unit(world: World, by: str) -> None:
    """Each element counts, of one country or of two; the document once, by a key of its own."""
    source = Source(
        "boxes",
        "boxes",
        Time("at"),
        fields=(Field("who", "integer"), Field("part.who", "integer"), Field("part.size", "integer")),
        dimensions=(Dimension("teacher", expr=by),),
        unwind=Unwind("parts", "part"),
    )
    elements = (
        Metric("parts", "count", source="boxes", counts="element"),
        Metric("sizes", "count_distinct", source="boxes", expr="part.size"),
        composite("parts_2d", "cumulative", metric="parts", window=Period(2, "day")),
    )
    boxes = (Metric("boxes", "count", source="boxes", counts="document"),) if by == "who" else ()
    subject = replace(
        SUBJECT, sources=(source,), metrics=(*elements, *boxes), dimensions=(COUNTRY,), grains=DAY
    )
    parts = [{"who": 1, "size": 5}, {"who": 2, "size": 5}, {"who": 3, "size": 6}]
    days = (at("2024-03-05"), at("2024-03-06"))
    documents = [{"_id": number, "at": day, "who": 1, "parts": parts} for number, day in enumerate(days)]
    fill(world, Held([], [{"no": 1, **GB}, {"no": 2, **GB}, {"no": 3, "country": "FR"}], valid=False))
    world.fill(documents, "boxes")
    run(world, subject)
    rows = [(one["country"], one["parts"], one["sizes"], one["parts_2d"]) for one in world.rows()]
    if by == "who":
        assert rows == [("GB", 3, 2, 3), ("GB", 3, 2, 6)]
        assert [one["boxes"] for one in world.rows()] == [1, 1]
    else:
        assert rows == [("FR", 1, 1, 1), ("GB", 2, 1, 2), ("FR", 1, 1, 2), ("GB", 2, 1, 4)]


def test_hours_reach_back_too(world: World) -> None:
    """Two teachers of a country within three hours have one student between them, and two lessons."""
    lessons = [lesson(1, "2024-03-05", 1), {**lesson(2, "2024-03-05", 2), "at": at("2024-03-05", 14)}]
    held = Held(lessons, [{"no": 1, **GB}, {"no": 2, **GB}], valid=True)
    metrics = tuple(
        composite(f"{name}_3h", "cumulative", metric=name, window=Period(3, "hour"))
        for name in ("minutes", "students")
    )
    subject = replace(held.subject, metrics=(*VALUES[:3], *metrics), grains=(Grain.HOUR,))
    fill(world, held)
    run(world, subject)
    rows = [
        (one["partition_hour"][:2], one["students"], one["minutes_3h"], one["students_3h"])
        for one in world.rows("daily_hour")
    ]
    assert rows == [("12", 1, 1, 1), ("14", 1, 2, 1)]

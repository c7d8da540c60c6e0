"""Rows that are grouped by what is looked up, against SQL by hand, on one cluster and on two."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta, timezone
from math import isclose
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from bson import Int64, ObjectId
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dashpipe.compile import CompileError, compile_subject
from dashpipe.run import run_all
from dashpipe.run.base import Request
from dashpipe.run.errors import RunError
from dashpipe.spec.model import Dimension, Field, Grain, Lookup, Metric, Source, Subject, Target, Time, Valid
from tests.run.world import World

Document = dict[str, Any]
Held = dict[str, list[Document]]

FEW = max(3, settings().max_examples // 10)
FIRST, END = date(2024, 2, 26), date(2024, 3, 11)
ENDED = datetime(2024, 5, 1, tzinfo=timezone.utc)
KEYS = (Dimension("teacher"), Dimension("course"))
FIELDS = (Field("teacher", "integer"), Field("course", "string"), Field("n", "integer"), Field("x", "number"))
LESSONS = Source("lessons", "lessons", Time("at"), fields=FIELDS, dimensions=KEYS)
REVIEWS = Source("reviews", "reviews", Time("at"), fields=FIELDS, dimensions=KEYS, where="n > 0")
COUNTRY = Dimension("country", lookup=Lookup("teachers", "teacher", "no", "country", "source"))
SUBJECT = Subject(
    project="school",
    domain="dash",
    name="country",
    version=1,
    timezone="UTC",
    start="2024-01-01",
    sources=(LESSONS, REVIEWS),
    metrics=(
        Metric("lessons", "count", source="lessons"),
        Metric("minutes", "sum", source="lessons", expr="n"),
        Metric("long", "count", source="lessons", where="n >= 3"),
        Metric("score", "avg", source="lessons", expr="x"),
        Metric("least", "min", source="lessons", expr="x"),
        Metric("most", "max", source="lessons", expr="x"),
        Metric("spread", "stddev", source="lessons", expr="x"),
        Metric("opened", "first", source="lessons", expr="x"),
        Metric("closed", "last", source="lessons", expr="x"),
        Metric("reviews", "count", source="reviews"),
        Metric("each", "ratio", numerator="reviews", denominator="lessons"),
        Metric("twice", "derived", expr="lessons + 2 * reviews"),
    ),
    target=Target("daily"),
    dimensions=(
        Dimension("course"),
        COUNTRY,
        Dimension("continent", lookup=Lookup("countries", "country", "_id", "continent", "source")),
    ),
    grains=(Grain.DAY, Grain.WEEK, Grain.MONTH),
)
SQL = """
WITH held AS (
  SELECT s.*, t.country, strftime(date_trunc('{grain}', s."at"), '%Y-%m-%d') AS p
  FROM events AS s LEFT JOIN teachers AS t ON t.no = s.teacher
), a AS (
  SELECT p, course, country, count(*) AS lessons, coalesce(sum(n), 0)::BIGINT AS minutes,
         count(*) FILTER (n >= 3) AS long, avg(x) AS score, min(x) AS least, max(x) AS most,
         stddev_samp(x) AS spread, arg_min(x, "at") AS opened, arg_max(x, "at") AS closed
  FROM held WHERE kind = 'lessons' GROUP BY ALL
), b AS (
  SELECT p, course, country, count(*) AS reviews FROM held WHERE kind = 'reviews' AND n > 0 GROUP BY ALL
)
SELECT coalesce(a.p, b.p), CASE WHEN a.p IS NULL THEN b.course ELSE a.course END,
       CASE WHEN a.p IS NULL THEN b.country ELSE a.country END AS land,
       (SELECT continent FROM countries WHERE _id = land),
       coalesce(lessons, 0), coalesce(minutes, 0), coalesce(long, 0), score, least, most, spread, opened,
       closed, coalesce(reviews, 0), coalesce(reviews, 0) / lessons,
       coalesce(lessons, 0) + 2 * coalesce(reviews, 0)
FROM a FULL JOIN b ON a.p = b.p AND a.course IS NOT DISTINCT FROM b.course
  AND a.country IS NOT DISTINCT FROM b.country
"""
COLUMNS = ("partition_date", "course", "country", "continent", *(one.name for one in SUBJECT.metrics))


@st.composite
def worlds(draw: st.DrawFn) -> Held:
    """Lessons and reviews of teachers that are known, unknown or null, of countries that are or are not."""
    held: Held = {"lessons": [], "reviews": []}
    for number in range(draw(st.integers(1, 24))):
        day = draw(st.integers(0, (END - FIRST).days - 1))
        one = {
            "_id": number,
            "at": datetime(2024, 2, 26, 9, tzinfo=timezone.utc) + timedelta(days=day, seconds=number),
            "teacher": draw(st.sampled_from([1, 2.0, Int64(3), 4, 9, None, "absent"])),
            "course": draw(st.sampled_from(["art", "a|b", None])),
            "n": draw(st.sampled_from([None, 0, 1, 3, 5])),
            "x": draw(st.sampled_from([None, 0.5, 2.0, 7.25, -3])),
        }
        if one["teacher"] == "absent":
            del one["teacher"]
        held[draw(st.sampled_from(["lessons", "lessons", "reviews"]))].append(one)
    countries = st.sampled_from(["GB", "FR", "a|b", "\\N", None])
    held["teachers"] = [{"no": no, "country": draw(countries)} for no in (Int64(1), 2, 3, 4)]
    held["teachers"] += [{"no": None, "country": "GB"}, {"no": [1], "country": "GB"}]
    held["countries"] = [{"_id": "GB", "continent": "Europe"}, {"_id": "a|b", "continent": None}]
    return held


def by_sql(held: Held, grain: Grain) -> list[tuple[Any, ...]]:
    """The rows by the SQL, in a fixed order."""
    events = [{"kind": kind, **one} for kind in ("lessons", "reviews") for one in held[kind]]
    kinds: dict[str, Any] = {
        "kind": pa.string(),
        "at": pa.timestamp("us"),
        "teacher": pa.int64(),
        "course": pa.string(),
        "n": pa.int64(),
        "x": pa.float64(),
    }
    table = {
        name: pa.array([one.get(name) for one in events], kind)
        if name != "at"
        else pa.array([one["at"].replace(tzinfo=None) for one in events], kind)
        for name, kind in kinds.items()
    }
    teachers = [one for one in held["teachers"] if not isinstance(one["no"], list)]
    with duckdb.connect() as connection:
        connection.register("events", pa.table(table))
        known = {"no": pa.array([one["no"] for one in teachers], pa.int64())}
        known["country"] = pa.array([one["country"] for one in teachers], pa.string())
        connection.register("teachers", pa.table(known))
        lands = {name: pa.array([one[name] for one in held["countries"]]) for name in ("_id", "continent")}
        connection.register("countries", pa.table(lands))
        return in_order(connection.execute(SQL.format(grain=grain.value)).fetchall())


def in_order(rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Rows by their keys, null first."""
    return sorted(rows, key=lambda row: [(one is not None, one or "") for one in row[:3]])


def run(world: World, subject: Subject = SUBJECT, now: datetime = ENDED) -> Document:
    """One run over the days."""
    request = Request(subject, f"test/{now}", "command", start=FIRST, end=END, now=now)
    done: Document = run_all(request, world.setup)
    return done


def fill(world: World, held: Held) -> None:
    """Put documents into the source, and nothing into the target."""
    for name in ("lessons", "reviews", "teachers", "countries"):
        if name not in world.source.list_collection_names():
            world.source.create_collection(name)
        world.fill(held.get(name, []), name)
    for name in world.target.list_collection_names():
        if name != "dashpipe_capabilities":
            world.target.drop_collection(name)


@settings(max_examples=FEW, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(held=worlds())
def test_rows_are_merged_by_what_is_found(either: World, held: Held) -> None:
    """At each grain, of two sources, every metric is that of all documents of the looked-up value."""
    fill(either, held)
    run(either)
    for name, grain in zip(("daily", "daily_week", "daily_month"), SUBJECT.grains):
        rows = in_order([tuple(row[one] for one in COLUMNS) for row in either.rows(name)])
        expected = by_sql(held, grain)
        assert len(rows) == len(expected)
        for row, other in zip(rows, expected):
            assert row[:4] == other[:4]
            for metric, ours, theirs in zip(SUBJECT.metrics, row[4:], other[4:]):
                same = ours == theirs if None in (ours, theirs) else isclose(ours, theirs, abs_tol=1e-9)
                assert same, (row[:4], metric.name, ours, theirs)
        assert all("teacher" not in row for row in either.rows(name))


def lesson(number: int, day: str, teacher: Any) -> Document:
    """A lesson at noon."""
    return {"_id": number, "at": datetime.fromisoformat(f"{day}T12:00:00+00:00"), "teacher": teacher, "n": 1}


def test_values_of_different_types_are_different_rows(either: World) -> None:
    """Each of 1, "1", true and an ObjectId has a row; a date is its day; a list is as what is not found."""
    whole = ObjectId()
    found: list[Any] = ["1", 1, True, whole, datetime(2024, 1, 2, 23, tzinfo=timezone.utc), [1], 1.0]
    fill(
        either,
        {
            "lessons": [lesson(number, "2024-03-05", number) for number in range(8)],
            "teachers": [{"no": number, "country": value} for number, value in enumerate(found)],
        },
    )
    run(either)
    rows = {row["_id"]: (row["country"], row["lessons"]) for row in either.rows()}
    assert rows == {
        "2024-03-05|1|\\N": ("1", 1),
        "2024-03-05|\\i1|\\N": (1, 2),
        "2024-03-05|\\btrue|\\N": (True, 1),
        f"2024-03-05|\\o{whole}|\\N": (whole, 1),
        "2024-03-05|2024-01-02|\\N": ("2024-01-02", 1),
        "2024-03-05|\\N|\\N": (None, 2),
    }


def test_what_holds_on_the_last_day_groups_the_whole_partition(either: World) -> None:
    """Of a week every lesson counts where its teacher was at the week's end, of a day where at the day's."""
    terms = [
        {"no": 1, "country": "GB", "until": "2024-03-06"},
        {"no": 1, "country": "FR", "since": "2024-03-06"},
        {"no": 2, "country": "GB"},
    ]
    lessons = [lesson(1, "2024-03-05", 1), lesson(2, "2024-03-06", 1), lesson(3, "2024-03-06", 2)]
    fill(either, {"lessons": lessons, "teachers": terms})
    lookup = Lookup("teachers", "teacher", "no", "country", "source", Valid("since", "until"))
    run(either, replace(SUBJECT, dimensions=(replace(COUNTRY, lookup=lookup),)))
    days = [(row["partition_date"], row["country"], row["lessons"]) for row in either.rows()]
    assert days == [("2024-03-05", "GB", 1), ("2024-03-06", "FR", 1), ("2024-03-06", "GB", 1)]
    weeks = [(row["country"], row["lessons"]) for row in either.rows("daily_week")]
    assert weeks == [("FR", 2), ("GB", 1)]


def test_a_value_that_changed_moves_its_rows(world: World) -> None:
    """A run groups by what it finds: computed again, the rows of before are gone, and no lesson is lost."""
    fill(
        world,
        {
            "lessons": [lesson(1, "2024-03-05", 1), lesson(2, "2024-03-05", 2)],
            "teachers": [{"no": 1, "country": "GB"}, {"no": 2, "country": "FR"}],
        },
    )
    subject = replace(SUBJECT, dimensions=(COUNTRY,), target=replace(SUBJECT.target, max_removed=1.0))
    run(world, subject)
    world.source["teachers"].update_one({"no": 1}, {"$set": {"country": "FR"}})
    run(world, subject, ENDED + timedelta(hours=1))
    for name in ("daily", "daily_week", "daily_month"):
        assert [(row["country"], row["lessons"]) for row in world.rows(name)] == [("FR", 2)], name


def test_a_key_that_stands_twice_stops_the_run(world: World) -> None:
    """Neither country is taken: the run names both documents."""
    teachers = [{"_id": "x", "no": 1, "country": "GB"}, {"_id": "y", "no": 1, "country": "FR"}]
    fill(world, {"lessons": [lesson(1, "2024-03-05", 1)], "teachers": teachers})
    with pytest.raises(RunError, match="no 1 stands twice in teachers"):
        run(world)
    assert world.rows() == []


def test_what_does_not_merge_is_not_compiled() -> None:
    """Who is new to two teachers is new once to their country."""
    metric = Metric("kept", "retention", source="lessons", entity="n", period=Grain.DAY, periods=2)
    with pytest.raises(CompileError, match="cannot be merged by what is looked up"):
        compile_subject(replace(SUBJECT, metrics=(metric,), grains=(Grain.DAY,)))


def test_a_sum_that_leaves_64_bits_while_merging_stops_the_run(either: World) -> None:
    """Each teacher's sum fits and their country's does not: the run names the metric, and writes nothing."""
    lessons = [{**lesson(number, "2024-03-05", number), "n": 2**62 + 1} for number in (1, 2)]
    fill(either, {"lessons": lessons, "teachers": [{"no": 1, "country": "GB"}, {"no": 2, "country": "GB"}]})
    metric = Metric("total", "sum", source="lessons", expr="n")
    with pytest.raises(RunError, match=r"sum\(n\): the sum exceeds 64 bits"):
        run(either, replace(SUBJECT, dimensions=(COUNTRY,), metrics=(metric,)))
    assert either.rows() == []

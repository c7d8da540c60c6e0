"""Lookups: chains, values that hold as of a day, and what stands twice, on one cluster and on two."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta, timezone
from itertools import pairwise
from typing import Any

import pytest
from bson import Int64
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dashpipe.run import doctor, run_all
from dashpipe.run.base import Request
from dashpipe.run.errors import RunError
from dashpipe.spec.model import Dimension, Field, Grain, Lookup, Metric, Source, Subject, Target, Time, Valid
from tests.run.world import World

Document = dict[str, Any]
Spans = dict[Any, list[tuple[str, str, Any]]]

FEW = max(3, settings().max_examples // 12)
FIRST, END = date(2024, 2, 26), date(2024, 3, 11)
NOON = datetime(2024, 3, 5, 12, tzinfo=timezone.utc)
ENDED = datetime(2024, 5, 1, tzinfo=timezone.utc)

LESSONS = Source(
    "lessons",
    "lessons",
    Time("at"),
    fields=(Field("teacher", "integer"),),
    dimensions=(Dimension("teacher"),),
)
CONTRACT = Lookup("contracts", "teacher", "who", "school", "source", Valid("since", "until"))
SUBJECT = Subject(
    project="school",
    domain="dash",
    name="teacher",
    version=1,
    timezone="Europe/London",
    start="2024-01-01",
    sources=(LESSONS,),
    metrics=(Metric("lessons", "count", source="lessons"),),
    target=Target("daily"),
    dimensions=(
        Dimension("teacher"),
        Dimension("country", lookup=Lookup("schools", "school", "_id", "country", "source")),
        Dimension("school", lookup=CONTRACT),
        Dimension("name", lookup=Lookup("people", "teacher", "_id", "name", "source")),
    ),
    grains=(Grain.DAY, Grain.WEEK, Grain.MONTH),
)
EMPTY: dict[str, list[Document]] = {"contracts": [], "schools": [], "people": []}

#: Days on which a contract may begin or end.
_DAYS = [FIRST + timedelta(days=one) for one in range(-10, 40, 3)]


def stored(draw: st.DrawFn, day: date | None) -> Any:
    """A day as an instant, as text, or nothing at all."""
    if day is None:
        return draw(st.sampled_from([None, "absent"]))
    morning = datetime(day.year, day.month, day.day, 9, 30, tzinfo=timezone.utc)
    return draw(st.sampled_from([morning, day.isoformat(), f"{day.isoformat()}T10:00:00Z"]))


@st.composite
def schools(draw: st.DrawFn) -> tuple[dict[str, list[Document]], Spans]:
    """Lessons, people, schools and contracts that do not overlap; and the contracts as days."""
    february = datetime(2024, 2, 20, 12, tzinfo=timezone.utc)
    lessons = [
        {
            "_id": number,
            "at": february + timedelta(days=draw(st.integers(0, 25))),
            "teacher": draw(st.sampled_from([1, 2, 3, None])),
        }
        for number in range(draw(st.integers(1, 14)))
    ]
    contracts: list[Document] = []
    spans: Spans = {}
    for who in (1, 2, Int64(3)):
        edges = [None, *sorted(draw(st.sets(st.sampled_from(_DAYS), max_size=4))), None]
        for start, end in pairwise(edges):
            if draw(st.integers(0, 3)) == 0:
                continue
            school = draw(st.sampled_from(["a", "b", "c", None]))
            one = {"_id": len(contracts), "who": who, "school": school}
            one |= {"since": stored(draw, start), "until": stored(draw, end)}
            contracts.append({name: value for name, value in one.items() if value != "absent"})
            span = (start.isoformat() if start else "", end.isoformat() if end else "~", school)
            spans.setdefault(int(who), []).append(span)
    odd = [{"_id": "odd", "who": 1, "school": "z", "since": 7}, {"_id": "null", "who": None, "school": "z"}]
    held = {
        "lessons": lessons,
        "contracts": [*contracts, *odd],
        "schools": [{"_id": "a", "country": "GB"}, {"_id": "b", "country": None}],
        "people": [{"_id": 1, "name": "ann"}, {"_id": 2.0, "name": "bob"}],
    }
    return held, spans


def run(world: World, subject: Subject = SUBJECT, now: datetime = ENDED) -> Document:
    """One run over the days."""
    request = Request(subject, f"test/{now}", "command", start=FIRST, end=END, now=now)
    done: Document = run_all(request, world.setup)
    return done


def fill(world: World, held: dict[str, list[Document]]) -> None:
    """Put documents into the source, and nothing into the target."""
    for name, some in held.items():
        world.fill(some, name)
    for name in world.target.list_collection_names():
        if name != "dashpipe_capabilities":
            world.target.drop_collection(name)


@settings(max_examples=FEW, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(case=schools(), over=st.booleans())
def test_each_row_has_what_holds_on_its_last_day(
    either: World, case: tuple[dict[str, list[Document]], Spans], over: bool
) -> None:
    """A row has the school of its last day (of today, if that is not over), and so its country."""
    held, spans = case
    fill(either, held)
    now = ENDED if over else datetime(2024, 3, 8, 12, tzinfo=timezone.utc)
    run(either, now=now)
    for name in ("daily", "daily_week", "daily_month"):
        for row in either.rows(name):
            first = date.fromisoformat(row["partition_date"])
            last = {
                "day": first,
                "week": first + timedelta(days=6),
                "month": (first + timedelta(days=31)).replace(day=1) - timedelta(days=1),
            }[row["grain"]]
            day = min(last, now.date()).isoformat()
            of = spans.get(row["teacher"], ())
            school = next((school for start, end, school in of if start <= day < end), None)
            assert row["school"] == school, (row["_id"], day)
            assert row["country"] == {"a": "GB"}.get(school or ""), row["_id"]
            assert row["name"] == {1: "ann", 2: "bob"}.get(row["teacher"])


def test_what_holds_twice_on_a_day_is_named_with_both(either: World) -> None:
    """Two contracts of one day stop the run: it says which, on which day, and what to do."""
    contracts = [
        {"_id": "first", "who": 1, "school": "a", "since": "2024-01-01", "until": "2024-03-06"},
        {"_id": "second", "who": 1, "school": "b", "since": "2024-03-05"},
    ]
    fill(either, {**EMPTY, "lessons": [{"_id": 1, "at": NOON, "teacher": 1}], "contracts": contracts})
    said = r"of who 1 two documents of contracts hold on 2024-03-05, with _id 'first' and 'second'"
    with pytest.raises(RunError, match=said) as error:
        run(either)
    assert "`to` is the first day" in error.value.help
    either.source["contracts"].update_one({"_id": "first"}, {"$set": {"until": "2024-03-05"}})
    done = run(either, now=ENDED + timedelta(hours=1))
    assert [one["school"] for one in either.rows()] == ["b"]
    # One key, matched at each of three grains.
    assert done["steps"]["transform"]["lookups"]["school"] == {"keys": 3, "matched": 3, "warning": None}


def test_what_stands_twice_is_named_with_both(world: World) -> None:
    """A foreign key that two documents have stops the run, which names both."""
    name = Dimension("name", lookup=Lookup("people", "teacher", "no", "name"))
    people = [{"_id": "x", "no": 1, "name": "ann"}, {"_id": "y", "no": 1, "name": "bob"}]
    fill(world, {"lessons": [{"_id": 1, "at": NOON, "teacher": 1}], "people": people})
    said = r"no 1 stands twice in people, in the documents with _id '[xy]' and '[xy]'"
    with pytest.raises(RunError, match=said):
        run(world, replace(SUBJECT, dimensions=(SUBJECT.dimensions[0], name)))
    assert world.rows() == []


def test_doctor_looks_at_what_prepare_looks_into(world: World) -> None:
    """A collection without documents that `prepare` names is a warning, and so is that of a lookup."""
    stage = '{"$lookup":{"from":"depots","localField":"d","foreignField":"_id","as":"found"}}'
    fill(world, {**EMPTY, "lessons": [{"_id": 1, "at": NOON, "teacher": 1}]})
    subject = replace(SUBJECT, sources=(replace(LESSONS, prepare=(stage,)),))
    said = [one.said for one in doctor.examine([subject], world.setup)]
    assert "depots, where `prepare` of lessons looks documents up, has no documents" in said
    assert "contracts, where school is looked up, has no documents" in said

"""The SQL that is shown for a subject gives, in DuckDB over the same documents, the rows of the stages."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta, timezone
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from pymongo import MongoClient
from pymongo.database import Database

from dashpipe.compile import compile_subject, partition, sql
from dashpipe.demo.flights import airport_documents, carrier_documents, flight_documents
from dashpipe.demo.load import load_learning
from dashpipe.spec.model import (
    Dimension,
    Field,
    Grain,
    Metric,
    Period,
    Source,
    Subject,
    Target,
    Time,
    Unwind,
)
from dashpipe.spec.project import load
from tests.differential import (
    duck,
    stages,
    test_balances,
    test_conversion,
    test_fill,
    test_reach,
    test_reach_hours,
    test_retention,
    test_unwind,
)
from tests.differential.documents import Document
from tests.differential.subjects import Case, cases

pytestmark = pytest.mark.differential

FEW = max(4, settings().max_examples // 10)


@pytest.fixture(scope="module")
def scratch(mongo: MongoClient[Document]) -> Iterator[Database[Document]]:
    """One database for all cases: each leaves it empty."""
    name = f"shown_sql_{os.getpid()}"
    yield mongo[name]
    mongo.drop_database(name)


def compared(database: Database[Document], case: Case) -> None:
    """The query of each grain gives the rows that the stages of the grain give."""
    plan = compile_subject(case.subject)
    looked_up = [one.name for one in plan.lookups]
    key = ["partition_date", "partition_hour", *(one.name for one in case.subject.key)]
    documents = {name: case.documents[of] for name, of in case.names.items()}
    with stages.loaded(database, case):
        for grain in plan.grains:
            wanted = stages.computed(database, plan, case, grain)
            for row in wanted:
                row.update({one: duck.shown(row[one]) for one in looked_up})
            found = duck.rows(plan, grain, stages.labels(plan, grain, case.days), documents)
            said = duck.differences(wanted, found, key)
            assert not said, (grain, said[:6])


@settings(max_examples=FEW)
@given(case=cases(most=30))
def test_subjects(scratch: Database[Document], case: Case) -> None:
    """Metrics of one partition, over several sources, with filters, lookups, times of every form."""
    compared(scratch, case)


@settings(max_examples=FEW)
@given(case=test_unwind.cases())
def test_arrays(scratch: Database[Document], case: Case) -> None:
    """Elements and documents, each counted in their unit."""
    compared(scratch, case)


@settings(max_examples=FEW)
@given(case=test_balances.cases())
def test_balances_of_accounts(scratch: Database[Document], case: Case) -> None:
    """The first or last value of each account, summed in the rows that they are of."""
    compared(scratch, case)


@settings(max_examples=FEW)
@given(case=test_conversion.cases())
def test_conversions(scratch: Database[Document], case: Case) -> None:
    """Conversions on the rows of their base events."""
    compared(scratch, case)


@settings(max_examples=FEW)
@given(history=test_retention.histories())
def test_cohorts(scratch: Database[Document], history: tuple[Case, Any, Any]) -> None:
    """Who comes back, in lists by the period of the first document; all periods have begun."""
    compared(scratch, replace(history[0], as_of=history[0].as_of + timedelta(days=4000)))


@settings(max_examples=FEW)
@given(case=test_reach_hours.cases())
def test_hours(scratch: Database[Document], case: Case) -> None:
    """Windows and carried values by the hour, over a change of the clock."""
    compared(scratch, case)


@settings(max_examples=FEW)
@given(case=test_reach.cases())
def test_reaching(scratch: Database[Document], case: tuple[Any, list[Document], list[Any]]) -> None:
    """Windows, to date, all time, offsets and shares, also of one another."""
    subject, documents, days = case
    plan = compile_subject(subject)
    key = ["partition_date", *(one.name for one in subject.key)]
    for grain in plan.grains:
        labels = tuple(sorted({partition.of_date(grain, day, subject.calendar) for day in days}))
        try:
            if documents:
                scratch["docs"].insert_many(documents)
            wanted = test_reach.computed(scratch, plan, grain, labels, documents)
        finally:
            for name in scratch.list_collection_names():
                scratch.drop_collection(name)
        said = duck.differences(wanted, duck.rows(plan, grain, labels, {"docs": documents}), key)
        assert not said, (grain, said[:6])


@settings(max_examples=FEW)
@given(case=test_fill.cases())
def test_added_rows(case: Any) -> None:
    """Rows for keys that had one in the time before, held against the walk that knows no stages."""
    one, documents = case[0], case[0].documents["docs"]
    one = replace(one, subject=replace(one.subject, start=one.days[0].isoformat()))  # what the walk knows of
    plan, key = compile_subject(one.subject), [each.name for each in one.subject.key]
    one = replace(one, as_of=one.as_of + timedelta(days=500))  # all partitions are over
    for grain in plan.grains:
        wanted = test_fill.wanted(one, documents, grain)
        found = duck.rows(plan, grain, stages.labels(plan, grain, one.days), {"docs": documents})
        rows = {(date.fromisoformat(row["partition_date"]), *(row[k] for k in key)): row for row in found}
        assert rows.keys() == wanted.keys(), grain
        for at, row in rows.items():
            assert bool(row["filled"]) is ("filled" in wanted[at]), (grain, at)
            for name, value in wanted[at].items():
                if name != "filled":
                    shown = None if row[name] is None else float(row[name])
                    assert value.fits(shown), (grain, at, name, row[name], value)


def test_what_is_carried_to_midnight(scratch: Database[Document]) -> None:
    """The first hour of a day has no hours before it on that day: what is carried are the days before."""
    source = Source(
        "docs",
        "docs",
        Time("at"),
        fields=(Field("n", "integer"), Field("kind", "string")),
        dimensions=(Dimension("kind"),),
    )
    carries = (Period(1, "day"), Period(2, "day"), Period(1, "week"), "always")
    metrics = [
        Metric(f"m{at}_{len(per)}", "last", "docs", expr="n", per=per, carry=carry)
        for at, carry in enumerate(carries)
        for per in ((), ("kind",))
    ]
    subject = Subject(
        *("test", "diff", "midnight", 1, "Asia/Kathmandu", "2024-01-01", (source,), tuple(metrics)),
        target=Target("midnight"),
        dimensions=(Dimension("kind"),),
        grains=(Grain.HOUR,),
    )
    midnight = datetime(2024, 1, 9, 18, 15, tzinfo=timezone.utc)
    hours = {"none": None, "late": -1, "day": -23, "days": -47, "week": -150}
    documents = [
        {"_id": at, "at": midnight + timedelta(hours=hour), "n": at, "kind": kind}
        for at, (kind, hour) in enumerate(hours.items())
        if hour is not None
    ]
    documents += [
        {"_id": f"{kind}{hour}", "at": midnight + timedelta(hours=hour), "kind": kind}
        for kind in hours
        for hour in (0, 1)
    ]
    days = (date(2024, 1, 10), date(2024, 1, 11))
    case = Case(subject, {"docs": documents}, days, midnight + timedelta(days=9))
    compared(scratch, case)
    rows = duck.rows(compile_subject(subject), Grain.HOUR, ("2024-01-10T00+0545",), case.documents)
    found = {row["kind"]: [row[f"m{at}_0"] for at in range(4)] for row in rows}
    assert found == {
        "none": [None, None, None, None],
        "late": [1, 1, 1, 1],
        "day": [2, 2, 2, 2],
        "days": [None, 3, 3, 3],
        "week": [None, None, 4, 4],
    }
    assert all(row[f"m{at}_1"] == row[f"m{at}_0"] for row in rows for at in range(4))


DAYS = {"learning": (date(2026, 10, 1), date(2026, 10, 4)), "flights": (date(2013, 1, 1), date(2013, 1, 3))}


@pytest.fixture(scope="module")
def examples(mongo: MongoClient[Document]) -> Iterator[Database[Document]]:
    """The example data: a few flights, and a small platform."""
    name = f"shown_examples_{os.getpid()}"
    end = datetime(2026, 10, 20, tzinfo=timezone.utc)
    load_learning(mongo[name], days=60, rows=800, end=end)
    mongo[name]["flights"].insert_many(islice(flight_documents([1]), 2000))
    mongo[name]["carriers"].insert_many(carrier_documents())
    mongo[name]["airports"].insert_many(airport_documents())
    yield mongo[name]
    mongo.drop_database(name)


SUBJECTS = load(Path(__file__).parents[2]).resolved().subjects


@pytest.mark.parametrize("subject", SUBJECTS, ids=lambda one: one.id)
def test_worked_examples(examples: Database[Document], subject: Subject) -> None:
    """The subjects under `metrics/` over the example data."""
    day = DAYS["flights" if subject.project == "flights" else "learning"]
    held = {name: list(examples[name].find()) for name in examples.list_collection_names()}
    case = Case(subject, held, day, datetime(2027, 1, 1, tzinfo=timezone.utc))
    plan, key = compile_subject(subject), ["partition_date", *(one.name for one in subject.key)]
    documents = {name: held[of] for name, of in case.names.items()}
    for grain in plan.grains:
        wanted = stages.computed(examples, plan, case, grain)
        assert wanted
        found = duck.rows(plan, grain, stages.labels(plan, grain, day), documents)
        said = duck.differences(wanted, found, key)
        assert not said, (grain, said[:6])


def test_documents_as_they_stand(scratch: Database[Document]) -> None:
    """A snapshot: every document is of the one partition, whatever its grain."""
    source = Source(
        "docs",
        "docs",
        Time("_id", "snapshot"),
        snapshot=True,
        where="n <> 4",
        fields=(Field("n", "integer"), Field("kind", "string"), Field("tags", "array")),
        dimensions=(Dimension("kind"),),
        unwind=Unwind("tags", "tag", keep_empty=True),
    )
    metrics = (
        Metric("docs", "count", "docs", counts="document"),
        Metric("tags", "count", "docs", counts="element"),
        Metric("n", "sum", "docs", expr="n", counts="document"),
        Metric("middle", "median", "docs", expr="n", counts="document"),
        Metric("part", "share", metric="docs", of=()),
    )
    subject = Subject(
        *("test", "diff", "stands", 1, "Asia/Kathmandu", "2024-01-01", (source,), metrics, Target("stands")),
        dimensions=(Dimension("kind"),),
        grains=(Grain.HOUR, Grain.DAY, Grain.WEEK),
    )
    documents = [
        {"_id": one, "n": one, "kind": "ab"[one % 2], "tags": list(range(one % 3))} for one in range(9)
    ]
    as_of = datetime(2024, 1, 3, 12, tzinfo=timezone.utc)
    case = Case(subject, {"docs": documents}, (date(2024, 1, 3), date(2024, 1, 4)), as_of)
    plan = compile_subject(subject)
    with stages.loaded(scratch, case):
        for grain in (Grain.DAY, Grain.WEEK):
            wanted = stages.computed(scratch, plan, case, grain)
            assert {row["kind"]: (row["docs"], row["tags"], row["n"]) for row in wanted} == {
                "a": (4, 4, 16),
                "b": (4, 4, 16),
            }
            found = duck.rows(plan, grain, stages.labels(plan, grain, case.days), {"docs": documents})
            assert not duck.differences(wanted, found, ["partition_date", "kind"])


def test_what_sql_does_not_say_is_told() -> None:
    """A value in MongoDB's own words is NULL in the query, and so is what reads it; the rest is said."""
    source = Source(
        "docs", "docs", Time("at"), prepare=('{"$set": {"n": 1}}',), fields=(Field("n", "integer"),)
    )
    metrics = (
        Metric("n", "sum", "docs", expr="n"),
        Metric("own", "sum", "docs", mongo='{"$size": "$tags"}', mongo_type="integer"),
        Metric("both", "derived", expr="n + own"),
    )
    subject = Subject(
        *("test", "diff", "unsaid", 1, "UTC", "2024-01-01", (source,), metrics, Target("unsaid")),
    )
    plan = compile_subject(subject)
    said = 'sum({"$size": "$tags"}): an aggregation expression of MongoDB\'s (`mongo`)'
    documents = {"docs": [{"_id": 1, "at": datetime(2024, 1, 1, tzinfo=timezone.utc), "n": 3}]}
    (row,) = duck.rows(plan, Grain.DAY, ("2024-01-01",), documents, (said,))
    assert row == {"partition_date": "2024-01-01", "n": 3, "own": 0, "both": 3}
    script = sql.script(plan, sql.of_grain(plan, Grain.DAY, ("2024-01-01",)))
    assert f"-- not said in SQL: {said}\n" in script
    assert "-- docs: the table holds what comes of its `prepare` stages" in script

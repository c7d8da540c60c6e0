"""First and last values of each key, summed, equal DuckDB's, over random documents and by hand."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import duckdb
import pytest
from bson import Decimal128, Int64
from hypothesis import given, settings
from hypothesis import strategies as st
from pymongo import MongoClient
from pymongo.database import Database

from dashpipe.compile import compile_subject
from dashpipe.spec.model import Dimension, Field, Grain, Metric, Source, Subject, Target, Time
from tests.differential import stages
from tests.differential.documents import Document
from tests.differential.subjects import Case

pytestmark = pytest.mark.differential

UTC = timezone.utc
FEW = max(8, settings().max_examples // 8)
TYPES = {"integer": "BIGINT", "number": "DOUBLE", "decimal": "DECIMAL(30,4)"}


@pytest.fixture(scope="module")
def scratch(mongo: MongoClient[Document]) -> Iterator[Database[Document]]:
    """One database for all cases: each leaves it empty."""
    name = f"balances_{os.getpid()}"
    yield mongo[name]
    mongo.drop_database(name)


def case(documents: list[Document], *metrics: Metric, key: tuple[str, ...] = (), **keys: Any) -> Case:
    """A case over one source whose `x` is of a type, computed over some days."""
    type_, tz = keys.pop("type_", "integer"), keys.pop("tz", "Europe/London")
    days = keys.pop("days", (date(2024, 3, 30), date(2024, 4, 2)))
    fields = (Field("x", type_), Field("ok", "boolean"), *(Field(one, "string") for one in ("a", "b", "c")))
    dimensions = tuple(Dimension(one) for one in key)
    source = Source("rows", "rows", Time("at"), fields=fields, dimensions=dimensions)
    subject = Subject(
        project="test",
        domain="diff",
        name="balances",
        version=1,
        timezone=tz,
        start="2024-01-01",
        sources=(source,),
        metrics=metrics,
        target=Target("balances"),
        dimensions=dimensions,
        grains=(Grain.DAY, Grain.MONTH),
    )
    return Case(subject, {"rows": documents}, days, datetime(2025, 1, 1, tzinfo=UTC))


@st.composite
def cases(draw: Any) -> Case:
    """Random documents of few accounts, instants and rows, so that much ties and accounts move."""
    type_ = draw(st.sampled_from(list(TYPES)))
    values = {"integer": [0, 3, -7, 2**40], "number": [0.5, 2.25, -1.5], "decimal": ["0.10", "2.5", "-3.25"]}
    start = datetime(2024, 3, 30, tzinfo=UTC)
    made = []
    for number in range(draw(st.integers(0, 25))):
        value = draw(st.sampled_from([None, "text", *values[type_]]))
        if type_ == "decimal" and value not in (None, "text"):
            value = Decimal128(value)
        one = {
            "_id": number,
            "at": start + timedelta(hours=draw(st.sampled_from([-30, 0, 1, 22, 23, 24, 25, 47, 70, 71]))),
            "x": value,
            "ok": draw(st.booleans()),
            **{name: draw(st.sampled_from(["p", "q", None])) for name in ("a", "b", "c")},
        }
        made.append({name: each for name, each in one.items() if each is not None or draw(st.booleans())})
    key = tuple(draw(st.lists(st.just("c"), max_size=1)))
    metrics = [
        Metric(
            f"{kind}_{len(per)}",
            kind,
            "rows",
            expr="x",
            per=per,
            where=draw(st.sampled_from([None, "ok"])),
        )
        for kind in ("first", "last")
        for per in (("a",), ("a", "b"))
    ]
    return case(draw(st.permutations(made)), *metrics, key=key, type_=type_)


def truth(one: Case, grain: Grain, metric: Metric) -> dict[tuple[Any, ...], Any]:
    """The balances of each row, by SQL that knows nothing of stages: by partition and key."""
    subject = one.subject
    type_ = subject.sources[0].fields[0].type
    way = "ASC" if metric.type == "first" else "DESC"
    key = "".join(f", {dimension.name}" for dimension in subject.dimensions)
    with duckdb.connect() as db:
        db.execute("SET TimeZone = 'UTC'")
        db.execute(
            f"CREATE TABLE docs (_id BIGINT, ts TIMESTAMPTZ, x {TYPES[type_]}, ok BOOLEAN, a TEXT, b TEXT, "
            "c TEXT)"
        )
        for document in one.documents["rows"]:
            value = document.get("x")
            value = None if isinstance(value, str) else value
            value = value.to_decimal() if isinstance(value, Decimal128) else value
            rest = [document.get(name) for name in ("ok", "a", "b", "c")]
            db.execute(
                "INSERT INTO docs VALUES (?,?,?,?,?,?,?)", [document["_id"], document["at"], value, *rest]
            )
        day = f"CAST(date_trunc('{grain.value}', timezone('{subject.timezone}', ts)) AS DATE)"
        keys = ", ".join(metric.per)
        found = db.execute(
            f"""
            WITH ranked AS (
                SELECT *, row_number() OVER (PARTITION BY p, {keys} ORDER BY ts {way}, _id {way}) AS r
                FROM (SELECT *, {day} AS p FROM docs)
                WHERE x IS NOT NULL AND {metric.where or "true"})
            SELECT p{key}, sum(x) FROM ranked WHERE r = 1 GROUP BY ALL
            """
        ).fetchall()
    return {tuple(row[:-1]): row[-1] for row in found}


@settings(max_examples=FEW)
@given(one=cases())
def test_balances_equal_sql(scratch: Database[Document], one: Case) -> None:
    """Each key's first or last value counts once, in the row of its document; days and months alike."""
    plan = compile_subject(one.subject)
    with stages.loaded(scratch, one):
        for grain in (Grain.DAY, Grain.MONTH):
            rows = stages.computed(scratch, plan, one, grain)
            for metric in one.subject.metrics:
                wanted = truth(one, grain, metric)
                for row in rows:
                    at = (date.fromisoformat(row["partition_date"]), *(row[k.name] for k in one.subject.key))
                    value, there = row[metric.name], wanted.get(at)
                    if isinstance(value, Decimal128):
                        value = value.to_decimal()
                    assert (value is None) == (there is None), (at, metric)
                    exact = not isinstance(value, float)
                    assert value is None or (value == there if exact else math.isclose(value, there)), metric


def balance(**keys: Any) -> Metric:
    """The last `x` of each `a`, summed."""
    return Metric("m", "last", "rows", expr="x", per=("a",), **keys)


def test_types_are_kept(scratch: Database[Document]) -> None:
    """Whole numbers stay longs beyond what a double holds, decimals stay decimals."""
    big = 2**53 + 1
    noon = datetime(2024, 3, 31, 12, tzinfo=UTC)
    days = (date(2024, 3, 31), date(2024, 4, 1))
    for type_, values, wanted in (
        ("integer", [big, 1], Int64(big + 1)),
        ("decimal", [Decimal128("0.10"), Decimal128("0.2")], Decimal("0.3")),
        ("number", [1, 2.5], 3.5),
    ):
        documents = [{"_id": at, "at": noon, "x": x, "a": str(at)} for at, x in enumerate(values)]
        one = case(documents, balance(), type_=type_, days=days)
        with stages.loaded(scratch, one):
            (row,) = stages.computed(scratch, compile_subject(one.subject), one, Grain.DAY)
        value = row["m"].to_decimal() if isinstance(row["m"], Decimal128) else row["m"]
        assert (value, type(value)) == (wanted, type(wanted))


def test_a_share_of_balances(scratch: Database[Document]) -> None:
    """The balances of the rows are parts of the balance of all, also of an account that moved."""
    noon = datetime(2024, 3, 31, 12, tzinfo=UTC)
    documents = [
        {"_id": 1, "at": noon, "a": "moves", "c": "p", "x": 50},
        {"_id": 2, "at": noon + timedelta(hours=1), "a": "moves", "c": "q", "x": 30},
        {"_id": 3, "at": noon, "a": "stays", "c": "p", "x": 10},
    ]
    share = Metric("s", "share", metric="m", of=())
    one = case(documents, balance(), share, key=("c",), days=(date(2024, 3, 31), date(2024, 4, 1)))
    with stages.loaded(scratch, one):
        rows = stages.computed(scratch, compile_subject(one.subject), one, Grain.DAY)
    assert {row["c"]: (row["m"], row["s"]) for row in rows} == {"p": (10, 0.25), "q": (30, 0.75)}


def test_a_month_is_not_made_of_days(scratch: Database[Document]) -> None:
    """Balances of days do not merge into that of the month: the plan reads the month from the source."""
    one = case([], balance(), key=("c",))
    plan = compile_subject(one.subject)
    assert plan.rollup("rows", Grain.MONTH) is None
    merged = replace(one.subject, metrics=(Metric("m", "last", "rows", expr="x"),))
    assert compile_subject(merged).rollup("rows", Grain.MONTH) is not None

"""Each kind of metric over a few documents, with the numbers worked out by hand (or in fractions)."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from bson import Decimal128, Int64, ObjectId
from hypothesis import given
from hypothesis import strategies as st
from pymongo import MongoClient
from pymongo.database import Database

from dashpipe.compile import compile_subject
from dashpipe.spec.model import Dimension, Field, Grain, Metric, Source, Subject, Target, Time
from tests.differential import stages
from tests.differential.documents import Document
from tests.differential.subjects import Case

pytestmark = pytest.mark.differential

_DAY = date(2024, 3, 31)
_NOON = datetime(2024, 3, 31, 12, tzinfo=timezone.utc)

#: A whole number that no double holds, and its neighbours.
_BIG = 2**53 + 1


@pytest.fixture(scope="module")
def scratch(mongo: MongoClient[Document]) -> Iterator[Database[Document]]:
    """One database for all cases: each leaves it empty."""
    name = f"kinds_{os.getpid()}"
    yield mongo[name]
    mongo.drop_database(name)


def case(
    documents: list[Document],
    *metrics: Metric,
    type_: str = "number",
    grains: tuple[Grain, ...] = (Grain.DAY,),
    days: tuple[date, date] = (_DAY, _DAY + timedelta(days=1)),
    key: str | None = None,
) -> Case:
    """A case over one source, whose field `x` is of a type; documents without a time are of noon."""
    dated = [{"_id": at, "at": _NOON, **one} for at, one in enumerate(documents)]
    fields = (Field("x", type_), Field("y", "integer"), Field("z", "string"))
    dimensions = (Dimension(key),) if key else ()
    source = Source("rows", "rows_raw", Time("at"), fields=fields, dimensions=dimensions)
    subject = Subject(
        project="test",
        domain="kinds",
        name="one",
        version=1,
        timezone="UTC",
        start="2024-01-01",
        sources=(source,),
        metrics=metrics,
        target=Target("kinds_one"),
        dimensions=dimensions,
        grains=grains,
    )
    return Case(subject, {"rows_raw": dated}, days, _NOON + timedelta(days=400))


def computed(
    database: Database[Document], one: Case, grain: Grain = Grain.DAY, finer: Grain | None = None
) -> list[Document]:
    """The rows of a grain, from documents, or from a finer grain's states."""
    with stages.loaded(database, one):
        return stages.computed(database, compile_subject(one.subject), one, grain, finer)


def value(database: Database[Document], values: list[Any], metric: Metric, type_: str = "number") -> Any:
    """The value of a metric over documents with these values of `x`."""
    (row,) = computed(database, case([{"x": one} for one in values], metric, type_=type_))
    return row[metric.name]


def metric(type_: str, **keys: Any) -> Metric:
    """A metric of `x`."""
    return Metric("m", type_, source="rows", **{"expr": "x", **keys})


@pytest.mark.parametrize(
    ("values", "p", "wanted"),
    [
        ([1, 2, 3, 4, 5, 6, 7, 8, 9, 10], "0.9", 9),
        ([1, 2, 3, 4, 5, 6, 7, 8, 9, 10], "0.95", 10),
        ([1, 2, 3, 4, 5, 6, 7, 8, 9, 10], "0.1", 1),
        ([1, 2, 3, 4, 5, 6, 7, 8, 9, 10], "0.100000001", 2),
        ([5, 5, 5, 1], "0.25", 1),
        ([5, 5, 5, 1], "0.26", 5),
        (list(range(1, 101)), "0.29", 29),  # 0.29 * 100 is 28.999999999999996 in doubles
        (list(range(1, 101)), "0.07", 7),  # and 0.07 * 100 is 7.000000000000001
        ([_BIG, _BIG + 1, _BIG - 1], "0.5", _BIG),
        ([4], "0.001", 4),
        ([None, "7", float("nan"), [1]], "0.5", None),
        ([], "0.5", None),
    ],
)
def test_discrete_rank_is_exact(
    scratch: Database[Document], values: list[Any], p: str, wanted: int | None
) -> None:
    """A percentile is the value of rank ceil(p·n), p by its decimal text; whole numbers stay longs."""
    found = value(scratch, values, metric("percentile", p=p), "integer")
    assert found == wanted
    assert found is None or isinstance(found, Int64)


@pytest.mark.parametrize(
    ("values", "keys", "wanted"),
    [
        ([1.0, 2.0, 4.0, 8.0], {}, 3.0),
        ([1.0, 2.0, 4.0], {}, 2.0),
        ([7.5], {}, 7.5),
        ([0.1, 0.1], {}, 0.1),
        ([-0.0, 0.0, 0.0], {}, 0.0),
        ([-1.7e308, 1.7e308], {}, 0.0),
        ([1.0, 2.0, 4.0, 8.0], {"method": "discrete"}, 2.0),
        ([None, "a", float("inf")], {}, None),
    ],
)
def test_median(
    scratch: Database[Document], values: list[Any], keys: dict[str, Any], wanted: float | None
) -> None:
    """A median is the mean of the two middle values, or the lower of them where it is discrete."""
    assert value(scratch, values, metric("median", **keys)) == wanted


@pytest.mark.parametrize(
    ("values", "p", "wanted"),
    [
        (["1.00", "2.50"], "0.5", "1.75"),
        (["1.00", "2.50"], "0.25", "1.375"),
        (["0.10", "0.1000"], "0.5", "0.1"),
        (["100"], "0.9", "100"),
        (["12345678901234567890.12", "12345678901234567890.14"], "0.5", "12345678901234567890.13"),
    ],
)
def test_decimals_are_interpolated_as_decimals(
    scratch: Database[Document], values: list[str], p: str, wanted: str
) -> None:
    """Between decimals lies a decimal, to the last digit, in its plain form."""
    found = value(
        scratch,
        [Decimal128(one) for one in values],
        metric("percentile", p=p, method="continuous"),
        "decimal",
    )
    assert str(found) == wanted


def test_percentiles_of_one_value_share_a_scan(scratch: Database[Document]) -> None:
    """Several percentiles, a median and a distinct count of one value group the documents once."""
    shares = [named(metric("percentile", p=p), f"p{p[2:]}") for p in ("0.5", "0.9", "0.99")]
    more = [named(metric("median"), "middle"), named(metric("count_distinct"), "different")]
    one = case([{"x": at % 7} for at in range(50)], *shares, *more)
    plan = compile_subject(one.subject)
    assert [len(each.leaves) for each in plan.sources[0].aggregates] == [1, 5]
    (row,) = computed(scratch, one)
    assert (row["p5"], row["p9"], row["p99"], row["middle"], row["different"]) == (3, 6, 6, 3, 7)


def named(one: Metric, name: str) -> Metric:
    """The metric under another name."""
    return replace(one, name=name)


@pytest.mark.parametrize("p", ["0.5", "0.9"])
def test_an_estimate_is_near(scratch: Database[Document], p: str) -> None:
    """An approximate percentile lies among the values near the rank, and shares the one scan."""
    one = case([{"x": (at * 37) % 101} for at in range(101)], metric("percentile", p=p, approximate=True))
    assert len(compile_subject(one.subject).sources[0].aggregates) == 1
    (row,) = computed(scratch, one)
    assert isinstance(row["m"], float)
    assert abs(row["m"] - float(p) * 100) <= 3
    assert value(scratch, [], metric("median", approximate=True)) is None
    assert value(scratch, [None, "a"], metric("median", approximate=True)) is None


SPREADS = [(type_, population) for type_ in ("stddev", "variance") for population in (False, True)]


def spread(values: list[Any], type_: str, *, population: bool) -> float | None:
    """The exact variance in fractions, or its root."""
    exact = [Fraction(one) for one in values]
    n = len(exact) - (0 if population else 1)
    if n < 1:
        return None
    mean = sum(exact) / len(exact)
    variance = float(sum((one - mean) ** 2 for one in exact) / n)
    return math.sqrt(variance) if type_ == "stddev" else variance


@pytest.mark.parametrize(("type_", "population"), SPREADS)
@pytest.mark.parametrize(
    "values",
    [
        [],
        [3.5],
        [3.5, 4.5],
        [0.1, 0.1, 0.1],
        [1e15 + one for one in (4, 7, 13, 16)],  # a sum of squares has no digit left of these
        [10**15 + one for one in (4, 7, 13, 16)],
        [1e9 + one / 8 for one in range(50)],
        [Decimal("1.10"), Decimal("2.30"), Decimal(7)],
    ],
    ids=["none", "one", "two", "equal", "1e15", "long", "1e9", "decimal"],
)
def test_spread_is_stable(
    scratch: Database[Document], values: list[Any], type_: str, population: bool
) -> None:
    """Far from zero the variance is still right; of one value it is null, or 0 of a whole population."""
    given_ = [Decimal128(one) if isinstance(one, Decimal) else one for one in values]
    kind = "decimal" if values and isinstance(values[0], Decimal) else "number"
    found = value(scratch, given_, metric(type_, population=population), kind)
    wanted = spread(values, type_, population=population)
    assert (found is None) == (wanted is None)
    assert wanted is None or (isinstance(found, float) and math.isclose(found, wanted, rel_tol=1e-9))


@given(
    offset=st.sampled_from([0.0, 1e3, -1e6]),
    parts=st.lists(st.lists(st.integers(-50, 50), max_size=6), min_size=1, max_size=20),
)
def test_merged_spread_is_that_of_all(
    scratch: Database[Document], offset: float, parts: list[list[int]]
) -> None:
    """A month's deviation merged from its days equals that of its documents, wherever the values lie."""
    first = date(2024, 3, 1)
    documents = [
        {"x": offset + one / 4, "at": datetime(2024, 3, 1, 12, tzinfo=timezone.utc) + timedelta(days=at)}
        for at, values in enumerate(parts)
        for one in values
    ]
    metrics = [
        Metric(f"{type_}_{population}", type_, source="rows", expr="x", population=population)
        for type_, population in SPREADS
    ]
    one = case(documents, *metrics, grains=(Grain.DAY, Grain.MONTH), days=(first, date(2024, 4, 1)))
    (row,) = computed(scratch, one, Grain.MONTH, Grain.DAY)
    values = [document["x"] for document in documents]
    for type_, population in SPREADS:
        wanted = spread(values, type_, population=population)
        found = row[f"{type_}_{population}"]
        assert (found is None) == (wanted is None)
        assert wanted is None or math.isclose(found, wanted, rel_tol=1e-9, abs_tol=1e-12 * abs(offset))


def test_constant_values_have_no_deviation_when_merged(scratch: Database[Document]) -> None:
    """Days of one and the same value have exactly no deviation together, whatever their means round to."""
    days = [_NOON - timedelta(days=at) for at in range(7)]
    documents = [{"x": 0.1, "at": at} for at in days for _ in range(3)]
    one = case(
        [*documents, {"x": 0.1}],
        metric("stddev"),
        grains=(Grain.DAY, Grain.MONTH),
        days=(date(2024, 3, 1), date(2024, 4, 1)),
    )
    (row,) = computed(scratch, one, Grain.MONTH, Grain.DAY)
    assert row["m"] == 0.0


def test_ends_are_by_time_then_id(scratch: Database[Document]) -> None:
    """First and last are of the values that are not null, by time, then by the document's id."""
    early, late = _NOON - timedelta(hours=1), _NOON + timedelta(hours=1)
    oid = ObjectId("65f000000000000000000001")
    documents: list[Document] = [
        {"_id": 1, "at": early, "x": None},
        {"_id": 2, "at": early, "x": "seven"},
        {"_id": "b", "x": 5},
        {"_id": oid, "x": 6},
        {"_id": 7, "x": Int64(_BIG)},
        {"_id": "a", "at": late, "x": 9.0},
        {"_id": oid.from_datetime(late), "at": late, "x": 10},
        {"_id": 8, "at": late, "x": float("nan")},
    ]
    metrics = [named(metric("first"), "open"), named(metric("last"), "close")]
    (row,) = computed(scratch, case(documents, *metrics, type_="integer"))
    assert (row["open"], row["close"]) == (Int64(_BIG), Int64(10))
    assert isinstance(row["open"], Int64)


def test_ends_merge_by_time(scratch: Database[Document]) -> None:
    """A month's first and last value are those of its first and last days with any."""
    documents: list[Document] = [
        {"x": None, "at": datetime(2024, 3, 1, tzinfo=timezone.utc)},
        {"x": "b", "at": datetime(2024, 3, 2, 23, tzinfo=timezone.utc)},
        {"x": "a", "at": datetime(2024, 3, 2, 1, tzinfo=timezone.utc)},
        {"x": "z", "at": datetime(2024, 3, 30, tzinfo=timezone.utc)},
        {"x": 5, "at": datetime(2024, 3, 31, tzinfo=timezone.utc)},
    ]
    metrics = [named(metric("first"), "open"), named(metric("last"), "close")]
    days = (date(2024, 3, 1), date(2024, 4, 1))
    one = case(documents, *metrics, type_="string", grains=(Grain.DAY, Grain.MONTH), days=days)
    (row,) = computed(scratch, one, Grain.MONTH, Grain.DAY)
    assert (row["open"], row["close"]) == ("a", "z")


def test_top_lists_the_most_frequent(scratch: Database[Document]) -> None:
    """A list has the k most frequent values, ties by value, and their counts as longs; none of nothing."""
    words = ["b", "b", "a", "c", "c", None, 5, "d"]
    found = value(scratch, words, metric("top", k=3), "string")
    assert found == [{"value": "b", "n": 2}, {"value": "c", "n": 2}, {"value": "a", "n": 1}]
    assert all(isinstance(one["n"], Int64) for one in found)
    assert value(scratch, [None, 5], metric("top", k=3), "string") == []
    assert value(scratch, [1, 1.0, Int64(1), 2], metric("top", k=1), "integer") == [{"value": 1, "n": 3}]
    assert value(scratch, [], metric("top", k=3, has_empty=True), "string") is None


def test_top_by_a_sum(scratch: Database[Document]) -> None:
    """A list by a sum is ordered by it; a value whose sum is of nothing counts 0."""
    rows = [("a", 1), ("b", 5), ("a", 3), ("c", None), ("d", -1), ("c", "many")]
    documents = [{"x": word, "y": n} for word, n in rows]
    (row,) = computed(scratch, case(documents, metric("top", k=4, by="y"), type_="string"))
    assert row["m"] == [
        {"value": "b", "n": 5},
        {"value": "a", "n": 4},
        {"value": "c", "n": 0},
        {"value": "d", "n": -1},
    ]


def test_a_set_is_held_to_its_bound(scratch: Database[Document]) -> None:
    """A declared bound counts exactly up to it, in one scan; beyond it the row says what is wrong."""
    few = metric("count_distinct", cardinality_at_most=3)
    one = case([{"x": at % 3} for at in range(9)] + [{"x": None}, {"x": "a"}], few)
    assert len(compile_subject(one.subject).sources[0].aggregates) == 1
    (row,) = computed(scratch, one)
    assert (row["m"], "_problems" in row) == (3, False)
    (row,) = computed(scratch, case([{"x": at % 4} for at in range(9)], few))
    assert row["_problems"] == ["set(x): there are 4 values, and `cardinality_at_most` is 3"]


def test_having_looks_at_each_value(scratch: Database[Document]) -> None:
    """Values count whose own metrics satisfy the condition, over the documents that the count takes."""
    rows = [("ann", 1), ("ann", 2), ("bob", 9), ("cas", 1), ("cas", None), (None, 1), (None, 1), ("dan", 4)]
    documents = [{"z": who, "y": y} for who, y in rows]
    seen = Metric("seen", "count", source="rows", where="y IS NOT NULL")
    most = Metric("most", "max", source="rows", expr="y")
    rate = Metric("rate", "ratio", numerator="seen", denominator="most")
    shared = {"source": "rows", "expr": "z"}
    counts = [
        Metric("twice", "count_distinct", having="seen >= 2", **shared),
        Metric("high", "count_distinct", having="most > 3", **shared),
        Metric("low", "count_distinct", having="most > 3", where="y < 5", **shared),
        Metric("rated", "count_distinct", having="rate >= 1", **shared),
        Metric("none", "count_distinct", having="most > 99", has_empty=True, empty=-1, **shared),
    ]
    (row,) = computed(scratch, case(documents, seen, most, rate, *counts))
    assert [row[one.name] for one in counts] == [1, 2, 1, 2, -1]


def test_key_and_hours(scratch: Database[Document]) -> None:
    """Each key and hour has its own ranks, lists and ends."""
    documents = [
        {"z": word, "x": at, "at": _NOON + timedelta(minutes=20 * at)} for at, word in enumerate("aababbab")
    ]
    metrics = [
        named(metric("median"), "middle"),
        named(metric("last"), "newest"),
        named(metric("top", k=1), "best"),
    ]
    one = case(documents, *metrics, grains=(Grain.HOUR,), key="z", type_="integer")
    rows = {row["_id"]: row for row in computed(scratch, one, Grain.HOUR)}
    assert {key: (row["middle"], row["newest"], row["best"][0]["value"]) for key, row in rows.items()} == {
        "2024-03-31T12+0000|a": (0.5, 1, 0),
        "2024-03-31T12+0000|b": (2.0, 2, 2),
        "2024-03-31T13+0000|a": (3.0, 3, 3),
        "2024-03-31T13+0000|b": (4.5, 5, 4),
        "2024-03-31T14+0000|a": (6.0, 6, 6),
        "2024-03-31T14+0000|b": (7.0, 7, 7),
    }

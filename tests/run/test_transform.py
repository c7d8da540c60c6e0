"""Transform: rows in staging, on both routes, from documents and from states."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from bson import Decimal128, Int64

from dashpipe.compile import partition
from dashpipe.run import state
from dashpipe.run.errors import LeaseLost, RunError
from dashpipe.run.steps.transform import transform
from dashpipe.spec.model import Calendar, Dimension, Field, Grain, Lookup, Metric, Period, Source, Time
from tests.run.world import ORDERS, SUBJECT, World, at, count, total

Document = dict[str, Any]
DAY = {Grain.DAY: ("2024-03-01", "2024-03-02")}

DOCUMENTS: list[Document] = [
    {"at": at("2024-03-01"), "country": "DE", "n": 2, "x": 0.5, "price": Decimal128("1.10")},
    {"at": at("2024-03-01"), "country": "DE", "n": Int64(3), "x": 1, "price": Decimal128("2.20")},
    {"at": at("2024-03-01"), "country": None, "n": 1},
    {"at": at("2024-03-01"), "n": 1},
    {"at": at("2024-03-02"), "country": "a|b\\c", "n": 7, "x": 2.5, "price": Decimal128("100")},
    {"at": at("2024-03-03"), "country": "DE", "n": 99},
]


def test_rows_have_their_key_metrics_states_and_types(either: World) -> None:
    """A row has its escaped key as _id, NULL and missing are one group, values have their written types."""
    either.fill(DOCUMENTS)
    run = either.transform(either.run(SUBJECT, DAY))
    rows = either.staged(run)
    assert [one["_id"] for one in rows] == ["2024-03-01|DE", "2024-03-01|\\N", "2024-03-02|a\\pb\\\\c"]
    first, null, odd = rows
    assert null["country"] is None
    assert odd["country"] == "a|b\\c"
    values = {name: first[name] for name in ("orders", "items", "amount", "paid")}
    assert values == {"orders": 2, "items": 5, "amount": 1.5, "paid": Decimal128("3.3")}
    assert [type(one) for one in values.values()] == [Int64, Int64, float, Decimal128]
    assert {type(one) for one in null["_state"].values()} <= {Int64, int, float, Decimal128}
    assert (first["partition_date"], first["grain"], first["complete"]) == ("2024-03-01", "day", True)
    assert (null["orders"], null["items"], null["amount"]) == (2, 2, 0.0)
    assert run.receipts["transform"]["rows"] == {"day": 3}


def test_the_receipt_names_the_route(world: World, apart: World) -> None:
    """One cluster computes on the server, two bring parts over by a cursor."""
    for one, route in ((world, "server"), (apart, "cursor")):
        one.fill(DOCUMENTS)
        receipt = one.transform(one.run(SUBJECT, DAY)).receipts["transform"]
        assert receipt["routes"] == {"orders": route}
        assert receipt["origin"] == {"day": {"orders": {"states": 0, "source": 2}}}


def test_an_unfinished_partition_is_not_complete(either: World) -> None:
    """A row of a partition that ends after as_of says so."""
    either.fill(DOCUMENTS)
    run = either.transform(either.run(SUBJECT, DAY, as_of=at("2024-03-02", 15)))
    assert [(one["partition_date"], one["complete"]) for one in either.staged(run)] == [
        ("2024-03-01", True),
        ("2024-03-01", True),
        ("2024-03-02", False),
    ]


REVIEWS = Source(
    name="reviews",
    collection="reviews",
    time=Time("seen"),
    fields=(Field("land", "string"), Field("stars", "number")),
    dimensions=(Dimension("country", "land"),),
)
BOTH = replace(
    SUBJECT,
    sources=(ORDERS, REVIEWS),
    metrics=(
        count("orders"),
        count("reviews", "reviews"),
        Metric("rating", "avg", source="reviews", expr="stars"),
        Metric("kinds", "count_distinct", source="orders", expr="n"),
        Metric("rate", "ratio", numerator="reviews", denominator="orders"),
    ),
)


def test_sources_join_by_key_without_fan_out(either: World) -> None:
    """Several sources and a distinct count side by side: a key of one side alone has a row too."""
    either.batch_size = 2
    either.fill(DOCUMENTS)
    reviews = [{"seen": at("2024-03-01"), "land": land, "stars": 4} for land in ("DE", "DE", "FR", "DE")]
    either.fill(reviews, "reviews")
    run = either.transform(either.run(BOTH, DAY))
    rows = {
        one["_id"]: tuple(one[name] for name in ("orders", "reviews", "rating", "kinds", "rate"))
        for one in either.staged(run)
    }
    assert rows == {
        "2024-03-01|DE": (2, 3, 4.0, 2, 1.5),
        "2024-03-01|FR": (0, 1, 4.0, 0, None),
        "2024-03-01|\\N": (2, 0, None, 1, 0.0),
        "2024-03-02|a\\pb\\\\c": (1, 0, None, 1, 0.0),
    }
    assert not [one for one in either.target.list_collection_names() if "_parts_" in one]


def test_without_dimensions_every_partition_has_its_row(either: World) -> None:
    """No dimensions: one row a partition, also where the source has nothing."""
    either.fill(DOCUMENTS[:4])
    subject = replace(SUBJECT, dimensions=(), metrics=(count("orders"), total("items", "n")))
    run = either.transform(either.run(subject, DAY))
    assert [(one["_id"], one["orders"], one["items"]) for one in either.staged(run)] == [
        ("2024-03-01", 4, 7),
        ("2024-03-02", 0, 0),
    ]


def test_no_documents_leave_an_empty_staging(either: World) -> None:
    """Partitions without documents have a staging collection without rows, for load to remove what was."""
    either.fill([])
    run = either.transform(either.run(SUBJECT, DAY))
    assert either.staged(run) == []
    assert run.receipts["transform"]["staging"]["day"] in either.target.list_collection_names()


# --- looked-up dimensions ---


def _looked_up(key: str = "country") -> Any:
    lookup = Lookup(collection="countries", key=key, foreign="code", field="name")
    return replace(SUBJECT, dimensions=(*SUBJECT.dimensions, Dimension("land", lookup=lookup)))


def test_a_lookup_joins_by_key_and_null_never_matches(either: World) -> None:
    """Values come from the lookup's own connection; NULL, unknown keys and arrays of keys find nothing."""
    either.fill(DOCUMENTS)
    either.source["countries"].insert_many(
        [
            {"code": "DE", "name": "Germany"},
            {"code": None, "name": "Nowhere"},
            {"code": ["a|b\\c"], "name": "No"},
        ]
    )
    run = either.transform(either.run(_looked_up(), DAY))
    assert [(one["country"], one["land"]) for one in either.staged(run)] == [
        ("DE", "Germany"),
        (None, None),
        ("a|b\\c", None),
    ]
    assert run.receipts["transform"]["lookups"] == {"land": {"keys": 2, "matched": 1, "warning": None}}


def test_a_low_match_rate_warns(either: World) -> None:
    """Under half of the keys found: the receipt says so."""
    either.fill([{"at": at("2024-03-01"), "country": one} for one in "abc"])
    either.source["countries"].insert_one({"code": "a", "name": "A"})
    run = either.transform(either.run(_looked_up(), DAY))
    assert run.receipts["transform"]["lookups"]["land"]["warning"] == "only 1 of 3 keys were found"


def test_a_foreign_key_found_twice_stops_the_run(either: World) -> None:
    """Two documents for one key: the error names key and collection."""
    either.fill(DOCUMENTS)
    either.source["countries"].insert_many([{"code": "DE", "name": "A"}, {"code": "DE", "name": "B"}])
    with pytest.raises(RunError, match="dimension land: code 'DE' stands twice in countries"):
        either.transform(either.run(_looked_up(), DAY))


def test_each_key_is_looked_up_once_for_all_grains(either: World) -> None:
    """A coarser grain finds the keys of the finer one looked up already."""
    either.fill(DOCUMENTS)
    either.source["countries"].insert_one({"code": "DE", "name": "Germany"})
    subject = replace(_looked_up(), grains=(Grain.DAY, Grain.MONTH))
    run = either.transform(either.run(subject, {**DAY, Grain.MONTH: ("2024-03-01",)}))
    assert {one["land"] for one in either.staged(run, Grain.MONTH) if one["country"] == "DE"} == {"Germany"}
    assert run.receipts["transform"]["lookups"]["land"]["keys"] == 2


# --- a coarser grain ---

GRAINS = replace(SUBJECT, grains=(Grain.DAY, Grain.MONTH))
MARCH = tuple(f"2024-03-{day:02d}" for day in range(1, 32))


def _spread() -> list[Document]:
    return [
        {"at": at(day), "country": country, "n": place, "x": place / 7, "price": Decimal128("0.10")}
        for place, day in enumerate(MARCH)
        for country in ("DE", "FR")
    ]


def _month(world: World, subject: Any = GRAINS, days: tuple[str, ...] = MARCH, **keys: Any) -> Any:
    return world.run(subject, {Grain.DAY: days, Grain.MONTH: ("2024-03-01",)}, **keys)


def _origin(run: Any) -> Document:
    found: Document = run.receipts["transform"]["origin"]["month"]["orders"]
    return found


def _totals(rows: list[Document]) -> list[tuple[Any, ...]]:
    return [(one["_id"], one["orders"], one["items"], round(one["amount"], 9), one["paid"]) for one in rows]


EXPECTED = [
    (f"2024-03-01|{one}", 31, 465, round(sum(place / 7 for place in range(31)), 9), Decimal128("3.1"))
    for one in ("DE", "FR")
]


def test_a_month_is_merged_from_the_days_in_staging(either: World) -> None:
    """All days staged: the month comes from their states, and equals the source."""
    either.fill(_spread())
    run = either.transform(_month(either))
    assert _origin(run) == {"states": 1, "source": 0}
    assert _totals(either.staged(run, Grain.MONTH)) == EXPECTED


def test_a_month_is_merged_from_published_and_staged_days(either: World) -> None:
    """Some days staged, the others published with the same leaves: from states."""
    either.fill(_spread())
    first = either.run(GRAINS, {Grain.DAY: MARCH[:30], Grain.MONTH: ()})
    either.whole(first)
    either.publish(first, Grain.DAY, MARCH[:30])
    run = either.transform(_month(either, days=MARCH[30:], run_id="dag/2"))
    assert _origin(run) == {"states": 1, "source": 0}
    assert _totals(either.staged(run, Grain.MONTH)) == EXPECTED


@pytest.mark.parametrize(
    "change",
    [
        {"state": "stale"},
        {"state": "failed"},
        {"state": "loaded"},
        {"complete": False},
        {"leaves": {"orders": ["count_0000"]}},
    ],
    ids=["stale", "failed", "loaded", "not over", "other leaves"],
)
def test_one_day_that_does_not_serve_sends_the_month_to_the_source(world: World, change: Document) -> None:
    """A month is read from the source where one day inside is not published, over, of the same leaves."""
    world.fill(_spread())
    first = world.run(GRAINS, {Grain.DAY: MARCH[:30], Grain.MONTH: ()})
    world.whole(first)
    world.publish(first, Grain.DAY, MARCH[:30])
    world.publish(first, Grain.DAY, MARCH[4:5], **change)
    world.target["daily"].update_many({}, {"$set": {"_state": {}}})  # what is stored must not be read
    run = world.transform(_month(world, days=MARCH[30:], run_id="dag/2"))
    assert _origin(run) == {"states": 0, "source": 1}
    assert _totals(world.staged(run, Grain.MONTH)) == EXPECTED


def test_a_missing_day_sends_the_month_to_the_source(either: World) -> None:
    """A day that was never published: the month is read from the source, days before `start` too."""
    either.fill(_spread())
    run = either.transform(_month(either, days=MARCH[9:]))
    assert _origin(run) == {"states": 0, "source": 1}
    assert _totals(either.staged(run, Grain.MONTH)) == EXPECTED


def test_days_ahead_do_no_harm_while_the_source_has_nothing_there(either: World) -> None:
    """The running month is merged although its last days have not begun."""
    documents = [one for one in _spread() if one["at"] < at("2024-03-11", 0)]
    either.fill(documents)
    run = either.transform(_month(either, days=MARCH[:11], as_of=at("2024-03-11", 6)))
    assert _origin(run) == {"states": 1, "source": 0}
    assert [one["orders"] for one in either.staged(run, Grain.MONTH)] == [10, 10]
    assert {one["complete"] for one in either.staged(run, Grain.MONTH)} == {False}


def test_a_document_ahead_of_its_time_is_counted(either: World) -> None:
    """A document in a day that has not begun: the month is read from the source, and has it."""
    documents = [one for one in _spread() if one["at"] < at("2024-03-11", 0)]
    either.fill([*documents, {"at": at("2024-03-25"), "country": "DE"}])
    run = either.transform(_month(either, days=MARCH[:11], as_of=at("2024-03-11", 6)))
    assert _origin(run) == {"states": 0, "source": 1}
    assert [one["orders"] for one in either.staged(run, Grain.MONTH)] == [11, 10]


def test_a_distinct_count_is_never_summed(either: World) -> None:
    """A leaf that does not merge sends every leaf of its source and grain to the source."""
    either.fill(_spread())
    metrics = (*SUBJECT.metrics, Metric("kinds", "count_distinct", source="orders", expr="n % 5"))
    run = either.transform(_month(either, replace(GRAINS, metrics=metrics)))
    assert _origin(run) == {"states": 0, "source": 1}
    assert [one["kinds"] for one in either.staged(run, Grain.MONTH)] == [5, 5]


def test_each_source_has_its_own_origin(either: World) -> None:
    """Of two sources, one is merged and the other read, within one row."""
    either.fill(_spread())
    either.fill([{"seen": at(day), "land": "DE", "stars": 3} for day in MARCH], "reviews")
    subject = replace(BOTH, grains=(Grain.DAY, Grain.MONTH))
    run = either.transform(_month(either, subject))
    assert run.receipts["transform"]["origin"]["month"] == {
        "orders": {"states": 0, "source": 1},  # its distinct count does not merge
        "reviews": {"states": 1, "source": 0},
    }
    assert [(one["_id"], one["orders"], one["reviews"]) for one in either.staged(run, Grain.MONTH)] == [
        ("2024-03-01|DE", 31, 31),
        ("2024-03-01|FR", 31, 0),
    ]


def test_some_months_are_merged_and_others_read(either: World) -> None:
    """In one run, a month whose days are whole comes from states and another one from the source."""
    april = [{"at": at("2024-04-02"), "country": "DE", "n": 5}]
    either.fill([*_spread(), *april])
    labels = {Grain.DAY: (*MARCH, "2024-04-02"), Grain.MONTH: ("2024-03-01", "2024-04-01")}
    run = either.transform(either.run(GRAINS, labels, as_of=at("2024-06-01")))
    assert _origin(run) == {"states": 1, "source": 1}
    rows = either.staged(run, Grain.MONTH)
    assert _totals(rows[:2]) == EXPECTED
    assert (rows[2]["_id"], rows[2]["items"]) == ("2024-04-01|DE", 5)


# --- what cannot be written ---


def test_a_sum_past_64_bits_fails_and_names_its_row(either: World) -> None:
    """An integer sum that leaves 64 bits is no double: the run fails, and says which row and metric."""
    either.fill([{"at": at("2024-03-01"), "country": "DE", "n": Int64(2**62)} for _ in range(3)])
    with pytest.raises(RunError, match=r"2024-03-01\|DE.*sum\(n\): the sum exceeds 64 bits"):
        either.transform(either.run(SUBJECT, DAY))


def test_a_merged_sum_past_64_bits_fails_too(world: World) -> None:
    """Days that fit and a month that does not."""
    world.fill([{"at": at(day), "country": "DE", "n": Int64(2**62)} for day in MARCH[:3]])
    with pytest.raises(RunError, match=r"2024-03-01\|DE.*sum\(n\): the sum exceeds 64 bits"):
        world.transform(_month(world))


def test_a_window_past_64_bits_fails_too(either: World) -> None:
    """Days that fit and three of them that do not, from the states of the days."""
    either.fill([{"at": at(day), "country": "DE", "n": Int64(2**62)} for day in MARCH[:3]])
    window = Metric("items_3d", "cumulative", metric="items", window=Period(3, "day"))
    subject = replace(SUBJECT, metrics=(*SUBJECT.metrics, window))
    with pytest.raises(RunError, match=r"2024-03-02\|DE.*sum\(n\).*: the sum exceeds 64 bits"):
        either.transform(either.run(subject, {Grain.DAY: MARCH[:3]}))


def test_a_set_past_its_bound_fails_and_names_its_row(either: World) -> None:
    """More values than `cardinality_at_most` declares: the run fails, and says which row, and how many."""
    few = Metric("kinds", "count_distinct", source="orders", expr="n", cardinality_at_most=3)
    either.fill([{"at": at("2024-03-01"), "country": "DE", "n": one} for one in range(4)])
    said = r"2024-03-01\|DE: set\(n\): there are 4 values, and `cardinality_at_most` is 3"
    with pytest.raises(RunError, match=said):
        either.transform(either.run(replace(SUBJECT, metrics=(few,)), DAY))


def test_a_row_with_a_problem_stops_the_run(either: World) -> None:
    """`on_zero: error` meets a zero: the error names row, metric and problem; the target is untouched."""
    either.fill(DOCUMENTS)
    ratio = Metric("rate", "ratio", numerator="orders", denominator="none", on_zero="error")
    subject = replace(SUBJECT, metrics=(count("orders"), count("none", where="n > 50"), ratio))
    with pytest.raises(RunError, match=r"row 2024-03-01\|DE: rate: the denominator is 0"):
        either.transform(either.run(subject, DAY))
    assert either.rows() == []


def test_secondaries_are_read_where_the_spec_says_so(either: World) -> None:
    """`read: secondary` gives the same rows (a single node answers itself)."""
    either.fill(DOCUMENTS)
    subject = replace(SUBJECT, sources=(replace(ORDERS, read="secondary"),))
    assert len(either.staged(either.transform(either.run(subject, DAY)))) == 3


def test_the_hours_of_a_clock_change_are_rows_of_their_own(either: World) -> None:
    """The hour that a clock change repeats is two rows, and the day merged from hours has both."""
    subject = replace(SUBJECT, timezone="Europe/London", grains=(Grain.HOUR, Grain.DAY))
    instants = ("2024-10-27T00:30:00+00:00", "2024-10-27T01:30:00+00:00")
    either.fill([{"at": datetime.fromisoformat(one), "country": "GB", "n": 1} for one in instants])
    hours = partition.contains(Grain.DAY, "2024-10-27", Grain.HOUR, Calendar("Europe/London"))
    labels = {Grain.HOUR: hours, Grain.DAY: ("2024-10-27",)}
    run = either.transform(either.run(subject, labels, as_of=at("2024-12-01")))
    assert [(one["_id"], one["partition_hour"]) for one in either.staged(run, Grain.HOUR)] == [
        ("2024-10-27T01+0000|GB", "01+0000"),
        ("2024-10-27T01+0100|GB", "01+0100"),
    ]
    assert [(one["_id"], one["orders"]) for one in either.staged(run)] == [("2024-10-27|GB", 2)]
    assert run.receipts["transform"]["origin"]["day"] == {"orders": {"states": 1, "source": 0}}


def test_a_lost_lease_stops_bringing_rows_over(apart: World) -> None:
    """On the cursor route each batch is written only while the fence stands."""
    apart.fill(DOCUMENTS)
    run = apart.run(SUBJECT, DAY)
    with apart.step(run, "transform") as session:
        apart.target[state.TARGETS].update_one({"_id": SUBJECT.id}, {"$inc": {"fence": 1}})
        with pytest.raises(LeaseLost):
            transform(run, session)
        name = state.staging(SUBJECT.id, run.id, "rows", Grain.DAY, session.lease.fence)
    assert apart.target[name].count_documents({}) == 0

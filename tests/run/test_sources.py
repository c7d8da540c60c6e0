"""What extract asks of a source: is it there, how fresh, does it keep its contract."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from bson.decimal128 import Decimal128
from pymongo import MongoClient

from dashpipe.run import arrays, execute, sources
from dashpipe.run.errors import RunError
from dashpipe.spec.model import Field, Subject
from tests.run import shop, stage
from tests.run.stage import Stage
from tests.run.watch import watching

Document = dict[str, Any]

#: The one day that runs of this module compute.
TODAY = {"start": shop.NOW.date(), "end": shop.NOW.date() + shop.DAY}


@pytest.fixture
def here(mongo: MongoClient[Document], mongo_uri: str) -> Iterator[Stage]:
    with stage.open_stage(mongo, mongo_uri) as one:
        yield one


def with_fields(*fields: Field, **more: Any) -> Subject:
    """The shop, whose orders have other fields or keys."""
    orders = shop.SUBJECT.sources[0]
    kept = tuple(one for one in orders.fields if one.path not in {new.path for new in fields})
    return replace(
        shop.SUBJECT, sources=(replace(orders, fields=(*kept, *fields), **more), *shop.SUBJECT.sources[1:])
    )


def ask(here: Stage, subject: Subject = shop.SUBJECT, source: str = "orders", **more: Any) -> Document:
    """The receipt of an extract over the last day."""
    asked = shop.request(subject=subject, **{**TODAY, **more})
    try:
        return execute("extract", asked, here.setup(), source)
    finally:
        execute("cleanup", asked, here.setup())


def test_the_receipt_tells_window_counts_and_the_newest_time(here: Stage) -> None:
    """The newest time is the newest up to `as_of`, whatever the future holds; arrays and texts are none."""
    orders = here.source["orders"]
    orders.insert_many(
        [
            shop.order(900, shop.NOW + timedelta(days=400)),
            shop.order(901, shop.NOW, at=[shop.NOW - timedelta(minutes=1)], status="open"),
            shop.order(902, shop.NOW, at="2024-03-10T04:29:00Z", status="open"),
        ]
    )
    receipt = ask(here)
    assert receipt["newest"] == "2024-03-10T00:00:00Z"
    assert receipt["documents"] == orders.estimated_document_count()
    assert receipt["partitions"] == {
        "day": {"n": 1, "first": "2024-03-10", "last": "2024-03-10"},
        "week": {"n": 1, "first": "2024-03-04", "last": "2024-03-04"},
        "month": {"n": 1, "first": "2024-03-01", "last": "2024-03-01"},
    }
    assert receipt["window"]["why"] == "`from` and `to`"


def test_a_source_that_is_not_there_is_an_error(here: Stage) -> None:
    """A collection that does not exist is told with its database; another try may find it."""
    here.source.drop_collection("orders")
    with pytest.raises(RunError, match=f"no collection {here.source.name}.orders") as failure:
        ask(here)
    assert failure.value.retry
    assert "correct `collection`" in failure.value.help


def test_an_empty_source_is_a_warning(here: Stage) -> None:
    """No documents at all: the run goes on, and says so."""
    here.source["orders"].delete_many({})
    receipt = ask(here)
    assert receipt["newest"] is None
    assert receipt["warnings"] == [f"orders ({here.source.name}.orders) is empty"]


def test_mistyped_values_are_counted_in_the_partitions_of_the_run(here: Stage) -> None:
    """By field, in the run's days only; a wrong `status` counts too, though it hides its document."""
    moment = shop.at("2024-03-10T10:00")
    here.source["orders"].insert_many(
        [
            shop.order(901, moment, amount="12"),
            shop.order(902, moment, amount=float("nan")),
            shop.order(903, moment, status=7),
            shop.order(904, shop.at("2024-03-09T10:00"), amount="12"),
            shop.order(905, moment, amount=2.0, buyer=None),
        ]
    )
    assert ask(here)["mistyped"] == {"amount": 2, "status": 1}


def test_on_type_error_fail_stops_the_run(here: Stage) -> None:
    """A field that may not be mistyped, and is, fails the extract; its values elsewhere do not."""
    subject = with_fields(Field("amount", "integer", on_type_error="fail"))
    here.source["orders"].insert_one(shop.order(904, shop.at("2024-03-09T10:00"), amount="12"))
    ask(here, subject)
    here.source["orders"].insert_one(shop.order(901, shop.at("2024-03-10T10:00"), amount="12"))
    with pytest.raises(RunError, match="1 values of `amount` are no integer") as failure:
        ask(here, subject)
    assert not failure.value.retry
    assert "nullify" in failure.value.help


def test_decimals_where_none_was_declared_are_told(here: Stage) -> None:
    """An undeclared field is summed as doubles: decimals in it are counted, and warned of."""
    orders = shop.SUBJECT.sources[0]
    fields = tuple(one for one in orders.fields if one.path != "amount")
    subject = replace(shop.SUBJECT, sources=(replace(orders, fields=fields), shop.SUBJECT.sources[1]))
    here.source["orders"].insert_one(shop.order(901, shop.at("2024-03-10T10:00"), amount=Decimal128("1.10")))
    receipt = ask(here, subject)
    assert receipt["decimals"] == {"amount": 1}
    assert receipt["warnings"] == [
        "1 decimals stand in `amount` of orders and are taken as doubles: declare it `decimal`"
    ]


def test_documents_without_a_time_fail_the_run_above_the_allowed_share(here: Stage) -> None:
    """A missing time, a text and an array are none; up to `max_untimed` of the documents may be so."""
    lost: list[Document] = [
        {"_id": "missing", "status": "paid"},
        {"_id": "text", "status": "paid", "at": "2024-03-10"},
        {"_id": "array", "status": "paid", "at": [shop.NOW]},
    ]
    here.source["orders"].insert_many(lost)
    total = here.source["orders"].count_documents({})
    with pytest.raises(RunError, match=f"3 of about {total} documents of orders have no date in `at`"):
        ask(here)
    assert ask(here, with_fields(max_untimed=3 / total))["untimed"] == 3
    with pytest.raises(RunError, match="which is more than"):
        ask(here, with_fields(max_untimed=3 / total - 0.001))


def test_a_document_that_where_leaves_out_may_have_no_time_yet(here: Stage) -> None:
    """An order that is not paid yet is none of the source's documents: its missing time does not count."""
    here.source["orders"].insert_one({"_id": "open", "status": "open"})
    assert ask(here)["untimed"] == 0


@pytest.mark.parametrize("lost", [[shop.NOW], [], [[shop.NOW]], "2024-03-10", None])
def test_arrays_are_looked_for_only_where_the_index_holds_some(
    here: Stage, monkeypatch: pytest.MonkeyPatch, lost: Any
) -> None:
    """While no time was ever an array, no document is looked at for it; once one is, it counts as before."""
    monkeypatch.setattr(sources, "_MANY", 50)
    subject = with_fields(max_untimed=1.0)
    with watching() as commands:
        assert ask(here, subject)["untimed"] == 0
    (looked,) = (one for one in _filters(commands) if {"at": None} in one)
    assert {"at": []} in looked
    assert "array" not in str(looked)
    here.source["orders"].insert_one({"_id": "lost", "status": "paid", "at": lost})
    assert ask(here, subject)["untimed"] == 1


def _filters(commands: list[Document]) -> Iterator[list[Document]]:
    """The alternatives of the first filter of every pipeline over the orders."""
    for one in commands:
        if one.get("aggregate") == "orders":
            yield one["pipeline"][0]["$match"].get("$or", [])


@pytest.mark.parametrize(
    ("options", "tells"),
    [
        ({}, True),
        ({"sparse": True}, False),
        ({"partialFilterExpression": {"at": {"$gt": shop.NOW - shop.DAY}}}, False),
    ],
)
def test_an_index_that_lacks_documents_tells_nothing_of_arrays(
    here: Stage, options: Document, *, tells: bool
) -> None:
    """Only an index with every document can tell that none holds an array; without one it is not known."""
    orders = here.source["orders"]
    time = shop.SUBJECT.sources[0].time
    orders.drop_indexes()
    assert not arrays.none_in(orders, time, shop.NOW)
    orders.create_index("at", **options)
    assert arrays.none_in(orders, time, shop.NOW) is tells


INDEXES: dict[str, tuple[list[tuple[str, int]], Document, bool]] = {
    "the time": ([("at", 1)], {}, True),
    "the time, downwards, and more": ([("at", -1), ("shop", 1)], {}, True),
    "after what is equal to a constant": ([("status", 1), ("at", 1)], {}, True),
    "after another field": ([("shop", 1), ("at", 1)], {}, False),
    "sparse": ([("at", 1)], {"sparse": True}, False),
    "partial": ([("at", 1)], {"partialFilterExpression": {"shop": "north"}}, False),
    "another": ([("changed_at", 1)], {}, False),
}


@pytest.mark.parametrize("name", INDEXES)
def test_a_source_without_an_index_of_its_time_is_a_warning(
    here: Stage, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """What serves ranges of the time leads with it, or has only fields before it that equal a constant."""
    monkeypatch.setattr(sources, "_SMALL", 50)
    keys, options, serves = INDEXES[name]
    here.source["orders"].drop_indexes()
    here.source["orders"].create_index(keys, **options)
    warnings = ask(here)["warnings"]
    assert warnings == [] if serves else "create {status: 1, at: 1}" in warnings[0]


def test_a_small_source_needs_no_index(here: Stage) -> None:
    """A small collection is read whole in no time: nothing is said of its indexes."""
    here.source["orders"].drop_indexes()
    assert ask(here)["warnings"] == []


def test_a_view_is_a_source_like_any_other(here: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """A view has documents and no indexes of its own: nothing is said of these."""
    monkeypatch.setattr(sources, "_SMALL", 50)
    here.source["orders"].rename("raw")
    here.source.create_collection("orders", viewOn="raw", pipeline=[{"$match": {"shop": {"$ne": "south"}}}])
    receipt = ask(here)
    assert receipt["newest"] == "2024-03-10T00:00:00Z"
    assert receipt["warnings"] == []

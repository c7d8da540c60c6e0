"""What the values of a source are: counted a field, partition and run, kept, and judged by checks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from bson.decimal128 import Decimal128
from pymongo import MongoClient

from dashpipe.run import execute, state
from dashpipe.run.errors import CheckFailed, RunError
from dashpipe.spec.model import Bounds, Check, Field, Grain, Subject
from tests.run import shop, stage
from tests.run.stage import Stage

Document = dict[str, Any]

#: Two days that are over, and as few documents as can be told at a glance.
DAYS = {"start": shop.FIRST, "end": shop.FIRST + 2 * shop.DAY}
FIRST, SECOND = shop.FIRST.isoformat(), (shop.FIRST + shop.DAY).isoformat()

#: Amounts of the two days; `...` stands for none at all.
AMOUNTS: dict[str, list[Any]] = {
    FIRST: [1, 2, 3, None, ..., "4", float("nan"), [5]],
    SECOND: [1, None, Decimal128("Infinity"), True],
}


@pytest.fixture
def here(mongo: MongoClient[Document], mongo_uri: str) -> Iterator[Stage]:
    with stage.open_stage(mongo, mongo_uri) as one:
        one.source["orders"].delete_many({})
        for day, amounts in AMOUNTS.items():
            for at, amount in enumerate(amounts):
                order = shop.order(at, shop.at(f"{day}T10:00"), _id=f"{day}/{at}", status="paid")
                order |= {"amount": amount} if amount is not ... else {}
                if amount is ...:
                    del order["amount"]
                one.source["orders"].insert_one(order)
        yield one


def checked(*checks: Check) -> Subject:
    """The shop with other checks, by day."""
    return replace(shop.SUBJECT, checks=checks, grains=(Grain.DAY,))


def few(counts: tuple[str, ...], **keys: Any) -> Check:
    """A check of the amounts of orders."""
    return Check("amounts", "values", source="orders", field="amount", counts=counts, **keys)


def results(here: Stage) -> dict[Any, tuple[str, Any]]:
    """Status and value of each stored result, by partition."""
    found = here.target[state.CHECKS].find({"check": "amounts"})
    return {one["partition"]: (one["status"], one["value"]) for one in found}


def test_the_receipt_sums_and_the_collection_tells_each_day(here: Stage) -> None:
    """Of each field: absent, null, mistyped, of these NaN and infinite; a day has a document of its own."""
    receipt = here.go("dag/1", subject=checked(), **DAYS)["steps"]["extract_orders"]
    assert receipt["read"] == 12
    assert receipt["mistyped"] == {"amount": 5}
    amount = next(one for one in receipt["values"] if one["field"] == "amount")
    assert amount == {
        "field": "amount",
        "type": "integer",
        "of": 12,
        "missing": 1,
        "null": 2,
        "mistyped": 5,
        "nan": 2,
    }
    kept = list(here.target[state.VALUES].find({"source": "orders"}).sort("partition"))
    assert [(one["partition"], one["documents"], one["run_id"]) for one in kept] == [
        (FIRST, 8, "dag/1"),
        (SECOND, 4, "dag/1"),
    ]
    first, second = ({field["field"]: field for field in one["fields"]} for one in kept)
    counts = ("of", "missing", "null", "mistyped", "nan")
    assert [first["amount"][one] for one in counts] == [8, 1, 1, 3, 1]
    assert [second["amount"][one] for one in counts] == [4, 0, 1, 2, 1]
    assert [first["buyer"][one] for one in counts] == [8, 0, 0, 0, 0]
    # Analysts and dashboards ask for it with plain operators.
    asked = {"source": "orders", "fields": {"$elemMatch": {"field": "amount", "null": {"$gt": 0}}}}
    assert here.target[state.VALUES].count_documents(asked) == 2


def test_a_day_without_documents_is_counted_as_such(here: Stage) -> None:
    """A later run replaces what is known of its days, also where nothing is left of them."""
    here.go("dag/1", subject=checked(), **DAYS)
    here.source["orders"].delete_many({"_id": {"$regex": f"^{SECOND}"}})
    here.go("dag/2", subject=checked(), allow_removal=True, **DAYS)
    kept = {one["partition"]: one for one in here.target[state.VALUES].find({"source": "orders"})}
    assert (kept[SECOND]["documents"], kept[SECOND]["run_id"]) == (0, "dag/2")
    assert {field["of"] for field in kept[SECOND]["fields"]} == {0}


def test_a_share_above_the_limit_fails_its_day_and_keeps_the_target(here: Stage) -> None:
    """Each day is judged on its own; a failed one is marked, and no row is written."""
    subject = checked(few(("missing", "null"), warn=Bounds(above=0.0), fail=Bounds(above=0.24)))
    with pytest.raises(CheckFailed) as failure:
        here.go("dag/1", subject=subject, **DAYS)
    assert results(here) == {
        FIRST: ("fail", {"n": 2, "of": 8, "share": 0.25}),
        SECOND: ("fail", {"n": 1, "of": 4, "share": 0.25}),
    }
    assert failure.value.results[0]["message"] == (
        f"2 of 8 values of `amount` of orders are missing or null in {FIRST} (25 %); expected: at most 24 %"
    )
    assert here.rows() == {}
    states = {one["label"]: one["state"] for one in here.target[state.PARTITIONS].find({"grain": "day"})}
    assert states == {FIRST: "failed", SECOND: "failed"}


def test_a_number_of_values_is_a_limit_too(here: Stage) -> None:
    """`values` limits how many; what is NaN is mistyped too and counts once."""
    subject = checked(few(("mistyped", "nan"), warn=Bounds(values=2), fail=Bounds(values=3)))
    done = here.go("dag/1", subject=subject, **DAYS)
    assert results(here) == {
        FIRST: ("warn", {"n": 3, "of": 8, "share": 0.375}),
        SECOND: ("pass", {"n": 2, "of": 4, "share": 0.5}),
    }
    assert done["steps"]["validate"]["warnings"] == [
        f"amounts: 3 of 8 values of `amount` of orders are mistyped in {FIRST} (37.5 %); expected: at most 2"
    ]
    stored = here.target[state.CHECKS].find_one({"check": "amounts"}) or {}
    assert stored["bounds"] == {"warn": {"values": 2}, "fail": {"values": 3}}


def test_a_day_without_values_is_not_judged(here: Stage) -> None:
    """No documents at all: that is `row_count`'s, and nothing passes that was not seen."""
    here.source["orders"].delete_many({"_id": {"$regex": f"^{SECOND}"}})
    here.go("dag/1", subject=checked(few(("null",), fail=Bounds(above=0.5))), **DAYS)
    assert results(here)[SECOND] == ("skipped", None)


@pytest.mark.parametrize("incomplete", [False, True])
def test_an_unfinished_day_is_judged_where_the_check_says_so(here: Stage, incomplete: bool) -> None:
    """As for checks of rows: a day that is not over counts only with `incomplete: true`."""
    now = shop.at(f"{SECOND}T12:00")
    subject = checked(few(("nan",), fail=Bounds(above=0.9), incomplete=incomplete))
    here.go("dag/1", subject=subject, now=now, **DAYS)
    assert set(results(here)) == ({FIRST, SECOND} if incomplete else {FIRST})


def test_what_changed_is_counted_with_the_run_that_takes_it_in(here: Stage) -> None:
    """A mistyped value in an old day that `updated` adds to the run fails it, as in its own days."""
    orders = shop.SUBJECT.sources[0]
    fields = tuple(
        replace(one, on_type_error="fail") if one.path == "amount" else one for one in orders.fields
    )
    here.source["orders"].update_many({}, {"$set": {"amount": 1}})
    subject = replace(checked(), sources=(replace(orders, fields=fields), *shop.SUBJECT.sources[1:]))
    here.go("dag/1", subject=subject)
    changed = {"amount": "4", "changed_at": shop.NOW + timedelta(minutes=30)}
    here.source["orders"].update_one({"_id": f"{FIRST}/0"}, {"$set": changed})
    with pytest.raises(RunError, match="1 values of `amount` are no integer"):
        here.go("dag/2", subject=subject, now=shop.NOW + timedelta(hours=1))


def test_a_field_that_no_document_has_is_told(here: Stage) -> None:
    """Renamed at the source or misspelt in the spec; not where few documents had it before."""

    def warned(run: str, **more: Any) -> list[str]:
        receipt = here.go(run, subject=checked(), **{**DAYS, **more})["steps"]["extract_orders"]
        return [one for one in receipt["warnings"] if "amount" in one]

    assert warned("dag/1") == []
    here.source["orders"].update_many({"_id": {"$regex": f"^{SECOND}"}}, {"$unset": {"amount": ""}})
    assert warned("dag/2") == []
    here.source["orders"].update_many({}, {"$unset": {"amount": ""}})
    text = "none of 12 documents of orders has `amount`, and 7 of 12 before had: was it renamed?"
    assert warned("dag/3") == [text]
    here.source["orders"].update_one({"_id": f"{FIRST}/0"}, {"$set": {"amount": 1}})
    assert warned("dag/4") == []
    here.source["orders"].update_many({}, {"$unset": {"amount": ""}})
    assert warned("dag/5") == []
    here.target[state.VALUES].delete_many({})
    assert warned("dag/6") == ["none of 12 documents of orders has `amount`: is its name right?"]


def test_a_source_whose_fields_have_no_types_is_not_counted(here: Stage) -> None:
    """Where nothing fixes a type nothing can be mistyped: the receipt says that nothing was read for it."""
    bare = replace(shop.SUBJECT.sources[1], fields=(Field("shop", "string"),))
    subject = replace(
        checked(),
        sources=(replace(bare, fields=(), dimensions=()),),
        metrics=(shop.SUBJECT.metrics[3],),
        dimensions=(),
        checks=(),
    )
    asked = shop.request("dag/1", subject, **DAYS)
    receipt = execute("extract", asked, here.setup(), "visits")
    assert (receipt["read"], receipt["values"], receipt["mistyped"]) == (None, [], {})

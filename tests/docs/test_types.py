"""The examples of the page on types, run over a few documents that are not all what they should be."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest
from bson import Decimal128

from tests.docs.test_specs import dashpipe, project

PAGE = "docs/types.md"
DAYS = ("--from", "2024-03-05", "--to", "2024-03-07")


@pytest.fixture
def page(database, mongo_uri, tmp_path):
    """The page as a project: its folder, and its connections."""
    base, _, options = mongo_uri.partition("?")
    uri = f"{base.rstrip('/')}/{database.name}?{options}"
    return project(tmp_path / "project", PAGE), {"DASHPIPE_SOURCE_URI": uri, "DASHPIPE_TARGET_URI": uri}


def paid(number, day, method, amount, **more):
    """A payment."""
    when = datetime(2024, 3, day, 10, tzinfo=timezone.utc)
    return {"_id": number, "paid_at": when, "method": method, "amount": Decimal128(amount), **more}


def test_a_wrong_fee_is_counted_and_warned_of(page, database):
    """The fee is NULL in the sum; the day's counts, the check and the printed run say so."""
    folder, uris = page
    database["payments"].insert_many(
        [
            paid(1, 5, "card", "10.00", fee=Decimal128("0.20")),
            paid(2, 5, "card", "5.00", fee=Decimal128("0.10")),
            paid(3, 5, "card", "7.00"),
            paid(4, 5, None, "1.00", fee="0.10"),
            paid(5, 6, "card", "3.00", fee=Decimal128("0.30")),
        ]
    )
    code, out, err = dashpipe(folder, "run", "metrics/shop/payments.yml", *DAYS, **uris)
    assert code == 0, err
    assert "values  payments: 1 of 5 `fee` are no decimal" in out
    assert "fees-typed: 1 of 4 values of `fee` of payments are mistyped in 2024-03-05" in out
    rows = {(one["partition_date"], one["method"]): one["fees"] for one in database["shop_payments"].find()}
    assert rows == {
        ("2024-03-05", "card"): Decimal128("0.3"),
        ("2024-03-05", None): Decimal128("0"),
        ("2024-03-06", "card"): Decimal128("0.3"),
    }
    asked = {"source": "payments", "fields": {"$elemMatch": {"field": "fee", "mistyped": {"$gt": 0}}}}
    (kept,) = database["dashpipe_values"].find(asked)
    assert (kept["_id"], kept["documents"]) == ("acme_shop_payments_v1|payments|day|2024-03-05", 4)
    assert kept["fields"][1] == {
        "field": "fee",
        "type": "decimal",
        "of": 4,
        "missing": 1,
        "null": 0,
        "mistyped": 1,
        "nan": 0,
    }
    _, shown, _ = dashpipe(folder, "status", "metrics/shop/payments.yml", **uris)
    assert "mistyped values of payments: 1 `fee`" in shown


def test_too_many_without_a_method_fail(page, database):
    """Half of a day's payments have no method: the run fails and writes nothing."""
    folder, uris = page
    database["payments"].insert_many(
        [paid(1, 5, "card", "1"), paid(2, 5, None, "1"), paid(3, 6, "card", "1")]
    )
    code, _, err = dashpipe(folder, "run", "metrics/shop/payments.yml", *DAYS, **uris)
    assert code == 1
    assert "1 of 2 values of `method` of payments are missing or null in 2024-03-05 (50 %)" in err
    assert database["shop_payments"].count_documents({}) == 0


def test_an_amount_that_is_no_number_fails_the_run(page, database):
    """`on_type_error: fail` stops a run before anything is computed."""
    folder, uris = page
    database["payments"].insert_many([paid(1, 5, "card", "1"), {**paid(2, 5, "card", "1"), "amount": "1.00"}])
    code, _, err = dashpipe(folder, "run", "metrics/shop/payments.yml", *DAYS, **uris)
    assert code == 2
    assert "1 values of `amount` are no decimal" in err

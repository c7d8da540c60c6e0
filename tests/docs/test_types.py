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


def refunded(number, day, amount):
    """A refund by card."""
    when = datetime(2024, 3, day, 10, tzinfo=timezone.utc)
    return {"_id": number, "at": when, "method": "card", "amount": amount}


@pytest.mark.slow  # long on the Python build; .ci/run has it on the native one
def test_a_wrong_refund_is_left_out_until_it_is_mended(page, database):
    """The day counts the other one; the list says which and why; mended, the next run takes it in."""
    folder, uris = page
    database["refunds"].insert_many(
        [
            refunded(1, 5, Decimal128("10.00")),
            refunded(2, 5, "20.00"),
            refunded(3, 6, Decimal128("6.00")),
        ]
    )
    command = ("run", "metrics/shop/refunds.yml", "--now", "2024-03-10T12:00:00Z")
    code, out, err = dashpipe(folder, *command, *DAYS, **uris)
    assert code == 0, err
    assert "1 document is in quarantine" in out
    seen = {one["partition_date"]: (one["refunds"], one["mean"]) for one in database["shop_refunds"].find()}
    assert seen == {"2024-03-05": (1, 10.0), "2024-03-06": (1, 6.0)}
    (entry,) = database["dashpipe_quarantine"].find({"subject": "acme_shop_refunds_v1"})
    assert (entry["document"], entry["reason"]) == (2, "`amount` is string, not decimal")
    assert "20.00" not in str(entry)
    _, shown, _ = dashpipe(folder, "status", "metrics/shop/refunds.yml", **uris)
    assert "in quarantine: 1 document of refunds" in shown
    database["refunds"].update_one({"_id": 2}, {"$set": {"amount": Decimal128("20.00")}})
    database["refunds"].insert_many([refunded(10 + day, day, Decimal128("1.00")) for day in range(7, 11)])
    code, out, err = dashpipe(folder, *command, "--from", "2024-03-07", "--to", "2024-03-11", **uris)
    assert code == 0, err
    assert "1 came out of quarantine" in out
    _, shown, _ = dashpipe(folder, "status", "metrics/shop/refunds.yml", **uris)
    assert "stale" in shown
    assert "in quarantine" not in shown
    code, _, err = dashpipe(folder, *command, *DAYS, **uris)
    assert code == 0, err
    row = database["shop_refunds"].find_one({"partition_date": "2024-03-05"})
    assert (row["refunds"], row["mean"]) == (2, 15.0)

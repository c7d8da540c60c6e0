"""The examples of the page on sources, run over a few documents as the page says them to be stored."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from decimal import Decimal

import pytest
from bson import Decimal128, Int64, ObjectId

from tests.docs.test_specs import dashpipe, project
from tests.run import web

PAGE = "docs/sources.md"
WEEK = ("--from", "2024-03-01", "--to", "2024-03-08", "--format", "json")


@pytest.fixture
def page(database, mongo_uri, tmp_path):
    """The page as a project: its folder, and its connections."""
    base, _, options = mongo_uri.partition("?")
    uri = f"{base.rstrip('/')}/{database.name}?{options}"
    uris = {"DASHPIPE_SOURCE_URI": uri, "DASHPIPE_TARGET_URI": uri}
    return project(tmp_path / "project", PAGE), uris


def at(text):
    """The instant of a time in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=timezone.utc)


def run(page, name, *window):
    """Run a subject of the page."""
    folder, uris = page
    code, _, err = dashpipe(folder, "run", f"metrics/shop/{name}.yml", *(window or WEEK), **uris)
    assert code == 0, err


def test_the_newest_document_counts(page, database):
    """Of an article's documents of a day the newest counts, or none where that one does not pass `where`."""
    counts = [
        ("2024-03-02T08:00:00", "a", 5, False),
        ("2024-03-02T20:00:00", "a", 3, False),
        ("2024-03-02T09:00:00", "b", 7, False),
        ("2024-03-02T21:00:00", "b", 7, True),
    ]
    counts += [(f"2024-03-0{number}T08:00:00", "c", 1, False) for number in range(1, 8)]
    database["stock_counts"].insert_many(
        [
            {"counted_at": at(when), "warehouse": "north", "sku": sku, "pieces": pieces, "withdrawn": gone}
            for when, sku, pieces, gone in counts
        ]
    )
    run(page, "stock")
    rows = {one["partition_date"]: (one["pieces"], one["articles"]) for one in database["shop_stock"].find()}
    assert rows == {f"2024-03-0{number}": (4, 2) if number == 2 else (1, 1) for number in range(1, 8)}


def test_orders_and_their_lines(page, database):
    """An order's total counts once, its lines each; one without lines is none of the source's documents."""
    made = [
        ("GB", "30.00", [{"sku": "a", "pieces": 1}, {"sku": "b", "pieces": 2}, {"sku": "a", "pieces": 3}]),
        ("GB", "5.50", [{"sku": "c", "pieces": None}]),
        ("GB", "99.00", []),
        ("FR", "7.00", [None]),
    ]
    made += [("DE", "1.00", [{"sku": "a", "pieces": 1}])] * 7
    days = [2, 2, 2, 2, *range(1, 8)]
    database["baskets"].insert_many(
        [
            {
                "paid_at": at(f"2024-03-0{day}T08:00:00"),
                "country": country,
                "total": Decimal128(total),
                "items": items,
            }
            for day, (country, total, items) in zip(days, made)
        ]
    )
    run(page, "baskets")
    rows = {one["_id"]: one for one in database["shop_baskets"].find({"country": {"$ne": "DE"}})}
    names = ("orders", "lines", "pieces", "articles", "lines_per_order")
    assert {key: tuple(row[one] for one in names) for key, row in rows.items()} == {
        "2024-03-02|GB": (2, 4, 6, 3, 2.0),
        "2024-03-02|FR": (1, 1, 0, 0, 1.0),
    }
    assert rows["2024-03-02|GB"]["sales"].to_decimal() == Decimal("35.5")


def test_parcels_by_the_region_of_their_depot(page, database):
    """What is looked up and made by stages is a field like others; `mongo` gives a number."""
    database["depots"].insert_many([{"_id": 1, "region": "north"}, {"_id": 2, "region": 7}])
    sent = [(1, ["a", "b"], False), (1, None, False), (2, ["c"], False), (3, [], False), (1, ["d"], True)]
    made = [
        {"sent_at": at(f"2024-03-0{day}T08:00:00"), "depot": depot, "scans": scans, "test": test}
        for day in range(1, 8)
        for depot, scans, test in sent
    ]
    database["parcels"].insert_many(made)
    run(page, "parcels")
    rows = {one["_id"]: (one["parcels"], one["scans"]) for one in database["shop_parcels"].find()}
    assert rows["2024-03-02|north"] == (2, 2)
    assert rows["2024-03-02|\\N"] == (2, 1)
    assert len(rows) == 14


def test_times_in_other_forms(page, database):
    """Ids and texts fall on their local days, whatever offset the text has."""
    made = [f"{int(at(one).timestamp()):08x}" for one in ("2024-03-02T15:59:59", "2024-03-02T16:00:00")]
    database["users"].insert_many(
        [{"_id": ObjectId(one + "0" * 16), "country": "CN", "changed": Int64(1)} for one in made]
    )
    logged = ["2024-03-02T15:59:59.999Z", "2024-03-03T00:00:00+08:00", "2024-03-02 11:00:00-0500"]
    database["logins"].insert_many([{"at": one, "country": "CN"} for one in logged])
    days = [f"2024-03-0{number}" for number in range(1, 8)]
    database["logins"].insert_many([{"at": f"{one}T04:00:00Z", "country": "DE"} for one in days])
    run(page, "signups")
    rows = {one["_id"]: (one["signups"], one["logins"]) for one in database["shop_signups"].find()}
    assert {key: one for key, one in rows.items() if key.endswith("CN")} == {
        "2024-03-02|CN": (1, 1),
        "2024-03-03|CN": (1, 2),
    }
    assert len(rows) == 9


def test_files_are_landed_and_counted(page, database):
    """Two files of the carrier, a NULL and an exact sum; a corrected file moves a parcel to another day."""
    folder, _ = page
    (folder / "data").mkdir()
    head = "parcel,delivered_at,warehouse,weight_kg,fee\n"
    days = "".join(f"d{n},2024-03-0{n} 12:00,south,1,2\n" for n in range(1, 8))
    first = head + "a,2024-03-02 23:30,north,0.1,4.5\nb,2024-03-02 00:30,north,0.2,n/a\n" + days
    (folder / "data/parcels_1.csv").write_text(first, encoding="utf-8")
    (folder / "data/parcels_2.csv").write_text(head + "c,2024-03-03,north,0.3,1.5\n", encoding="utf-8")
    run(page, "deliveries")

    def north():
        found = database["shop_deliveries"].find({"warehouse": "north"})
        return {one["partition_date"]: (one["parcels"], str(one["weight_kg"]), one["fee"]) for one in found}

    assert north() == {"2024-03-02": (2, "0.3", 4.5), "2024-03-03": (1, "0.3", 1.5)}
    (folder / "data/parcels_1.csv").write_text(
        first.replace("a,2024-03-02", "a,2024-03-03"), encoding="utf-8"
    )
    run(page, "deliveries")
    assert north() == {"2024-03-02": (1, "0.2", None), "2024-03-03": (2, "0.4", 3.0)}


def test_accounts_as_they_stand(page, database):
    """A day keeps what its last run saw; the week is the newest snapshot in it."""
    database["accounts"].insert_many(
        [{"_id": number, "plan": "free" if number % 2 else "paid", "seats": number} for number in range(1, 5)]
    )
    run(page, "accounts", "--now", "2024-03-04T22:00:00+00:00")
    database["accounts"].update_one({"_id": 1}, {"$set": {"closed_at": at("2024-03-05T08:00:00")}})
    run(page, "accounts", "--now", "2024-03-05T22:00:00+00:00")

    def rows(name):
        found = database[name].find({"plan": "free"})
        return {
            one["partition_date"]: (one["accounts"], one["seats"], one["part"], one["complete"])
            for one in found
        }

    tuesday = (1, 3, 1 / 3, False)
    assert rows("shop_accounts") == {"2024-03-04": (2, 4, 0.5, False), "2024-03-05": tuesday}
    assert rows("shop_accounts_week") == {"2024-03-04": tuesday}


def test_an_endpoint_is_landed_and_counted(page, database):
    """The page's endpoint in two pages, with its header; the second run asks for what changed."""
    folder, uris = page
    tickets = [
        {
            "id": number,
            "opened_at": f"2024-03-0{number}T09:00:00Z",
            "updated_at": f"2024-03-0{number}T10:00:00Z",
            "channel": "mail",
            "minutes": 5 * number,
        }
        for number in range(1, 8)
    ]
    with web.serving() as api:

        def answer(_path, given):
            some = [one for one in tickets if one["updated_at"] >= given.get("updated_after", "")]
            start = int(given.get("cursor", "0"))
            after = str(start + 4) if start + 4 < len(some) else None
            return 200, {}, json.dumps({"data": some[start : start + 4], "meta": {"next": after}}).encode()

        api.instead = answer
        spec, settings = folder / "metrics/shop/tickets.yml", folder / "dashpipe.toml"
        spec.write_text(spec.read_text().replace("https://api.example.com", f"http://{api.host}"))
        settings.write_text(settings.read_text().replace("api.example.com", api.host))
        uris["DASHPIPE_HELPDESK_HEADERS"] = '{"Authorization": "Bearer key"}'
        run(page, "tickets")
        tickets[1] |= {"minutes": 100, "updated_at": "2024-03-08T10:00:00Z"}
        run(page, "tickets")
    assert [given.get("updated_after") for _, given, _ in api.asked] == [None, None, "2024-03-07T09:50:00Z"]
    assert {headers["Authorization"] for _, _, headers in api.asked} == {"Bearer key"}
    assert all(given["limit"] == "100" for _, given, _ in api.asked)
    rows = {one["partition_date"]: one["minutes"] for one in database["shop_tickets"].find()}
    assert rows == {f"2024-03-0{one}": 100 if one == 2 else 5 * one for one in range(1, 8)}

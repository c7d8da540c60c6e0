"""The example of the page on fill: three orders, run day by day, give the rows that it shows."""

from __future__ import annotations

import json
from datetime import datetime, timezone

from tests.docs.fences import ROOT, fences
from tests.docs.test_specs import dashpipe, project

PAGE = "docs/fill.md"


def test_the_rows_of_the_page(database, mongo_uri, tmp_path):
    """The days of the page are run one by one, the last orders' day first."""
    base, _, options = mongo_uri.partition("?")
    uri = f"{base.rstrip('/')}/{database.name}?{options}"
    uris = {"DASHPIPE_SOURCE_URI": uri, "DASHPIPE_TARGET_URI": uri}
    sold = [(1, 10), (1, 30), (6, 5)]
    database["orders"].insert_many(
        [
            {"paid_at": datetime(2024, 3, day, 12, tzinfo=timezone.utc), "country": "GB", "total": total}
            for day, total in sold
        ]
    )
    database["orders"].create_index("paid_at")
    folder = project(tmp_path / "project", PAGE)
    for first, last in (("2024-03-04", "2024-03-07"), ("2024-03-01", "2024-03-04")):
        window = ("--from", first, "--to", last)
        code, _, err = dashpipe(folder, "run", "metrics/shop/quiet_days.yml", *window, **uris)
        assert code == 0, err
    (shown,) = [one for one in fences(ROOT / PAGE) if one.language == "json"]
    rows = database["shop_quiet_days"].find().sort("_id", 1)
    names = {"partition_date", "filled", "orders", "dearest", "orders_7d"}
    found = [{name: value for name, value in row.items() if name in names} for row in rows]
    assert found == json.loads(shown.text)

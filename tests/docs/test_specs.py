"""Every YAML example of the pages is linted as it stands, and those that are whole are run."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from datetime import datetime, timezone
from decimal import Decimal
from pathlib import Path

import pytest
import yaml
from bson.decimal128 import Decimal128

from tests.docs.fences import PAGES, ROOT, Fence, all_fences, fences

SETTINGS = '[allow]\nenv = ["CV_*", "FLIGHTS_*", "SHOP_*"]\nfiles = ["data/*"]\nhosts = ["api.example.com"]\n'

YAML = all_fences("yaml", "yml")
GOOD = [one for one in YAML if one.finding is None and one.file is not None]
WRONG = [one for one in YAML if one.finding is not None]


def dashpipe(folder, *arguments, **environ):
    """Call the command line in a process of its own, in a project."""
    done = subprocess.run(
        [sys.executable, "-m", "dashpipe", *arguments],
        cwd=folder,
        env=os.environ | environ,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


def findings(folder):
    """The findings of a project's lint."""
    _, out, err = dashpipe(folder, "lint", "--format", "json")
    try:
        return json.loads(out)["findings"]
    except ValueError:
        pytest.fail(f"lint did not answer in JSON:\n{out}{err}")


def project(folder: Path, page: str, *extra: Fence) -> Path:
    """A project of a page's good examples; README's stands among this repository's own metrics."""
    if page == "README.md":
        shutil.copytree(ROOT / "metrics", folder / "metrics")
        shutil.copy(ROOT / "dashpipe.toml", folder)
    else:
        folder.mkdir(exist_ok=True)
        (folder / "dashpipe.toml").write_text(SETTINGS, encoding="utf-8")
    for one in [*(one for one in GOOD if one.page == page), *extra]:
        assert one.file is not None
        path = folder / one.file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(one.text, encoding="utf-8")
    return folder


def test_there_are_examples():
    """README and the analyst's guide have examples, and the guide a wrong one."""
    assert {one.page for one in GOOD} >= {"README.md", "docs/analyst.md"}
    assert WRONG


def test_every_example_names_its_file():
    """A YAML example begins with `# file: metrics/….yml`: without, it would not be tested."""
    assert [str(one) for one in YAML if one.file is None] == []


@pytest.mark.parametrize("page", sorted({one.page for one in GOOD}))
def test_good_examples_have_no_findings(page, tmp_path):
    """The good examples of a page, together, give neither errors nor warnings."""
    assert findings(project(tmp_path / "project", page)) == []


@pytest.mark.parametrize("fence", WRONG, ids=str)
def test_wrong_examples_give_their_finding(fence, tmp_path):
    """A wrong example gives the finding that it names, and no other."""
    found = findings(project(tmp_path / "project", fence.page, fence))
    assert [(one["code"], one["file"]) for one in found] == [(fence.finding, fence.file)]


def test_readme_example_is_the_real_subject(tmp_path):
    """README's subject has the id that its commands name, and says nothing that the real file does not."""
    (fence,) = [one for one in GOOD if one.page == "README.md"]
    code, out, err = dashpipe(
        project(tmp_path / "project", "README.md"), "show", fence.file, "--format", "json"
    )
    assert code == 0, err
    shown = json.loads(out)["subject"]
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert shown == "flights_ops_carrier_v1"
    assert f"dashpipe run {shown} " in readme
    real = yaml.safe_load((ROOT / fence.file).read_text(encoding="utf-8"))
    for key, value in yaml.safe_load(fence.text).items():
        if isinstance(value, list):
            assert [one for one in value if one not in real[key]] == []
        else:
            assert value == real[key]


@pytest.fixture
def shop(database, mongo_uri, tmp_path):
    """The analyst's guide as a project, with a few orders: its folder, and its connections."""
    day = [datetime(2024, 3, number, 12, tzinfo=timezone.utc) for number in (5, 5, 5, 6, 6)]
    rows = [
        ("paid", "GB", "120.50", "ann"),
        ("paid", "GB", "99.99", "ann"),
        ("cancelled", "GB", "500.00", "bob"),
        ("paid", "FR", "100.00", "cas"),
        ("open", "FR", "10.00", None),
    ]
    day += [datetime(2024, 3, number, 9, tzinfo=timezone.utc) for number in range(1, 32)]
    rows += [("paid", "DE", "1.00", "dan")] * 31  # the guide's check asks for rows on each day
    database["orders"].insert_many(
        [
            {
                "created_at": at,
                "status": status,
                "country": country,
                "total": Decimal128(total),
                "customer_id": who,
            }
            for at, (status, country, total, who) in zip(day, rows)
        ]
    )
    database["orders"].create_index("created_at")
    base, _, options = mongo_uri.partition("?")
    uri = f"{base.rstrip('/')}/{database.name}?{options}"
    return project(tmp_path / "project", "docs/analyst.md"), {
        "DASHPIPE_SOURCE_URI": uri,
        "DASHPIPE_TARGET_URI": uri,
    }


def test_guide_runs(shop, database):
    """The guide's first subject runs as it says: March in two collections; a second run changes nothing."""
    folder, uris = shop
    run = (
        "run",
        "metrics/shop/orders.yml",
        "--from",
        "2024-03-01",
        "--to",
        "2024-04-01",
        "--format",
        "json",
    )
    code, _, err = dashpipe(folder, *run, **uris)
    assert code == 0, err
    rows = {row["_id"]: row for row in database["shop_orders"].find()}
    assert {key for key, row in rows.items() if row["country"] != "DE"} == {"2024-03-05|GB", "2024-03-06|FR"}
    assert len(rows) == 33
    first = rows["2024-03-05|GB"]
    assert (first["orders"], first["customers"], first["large"], first["large_rate"]) == (2, 1, 1, 0.5)
    assert first["revenue"].to_decimal() == Decimal("220.49")
    assert rows["2024-03-06|FR"]["revenue"].to_decimal() == Decimal("110.00")
    (shown,) = [one for one in fences(ROOT / "docs" / "dashboards.md") if one.language == "json"]
    told = json.loads(shown.text)
    assert set(told) == set(first)
    assert set(told["_meta"]) == set(first["_meta"])
    own = set(told) - {"created_at", "updated_at", "_state", "_meta", "revenue"}
    assert {name: told[name] for name in own} == {name: first[name] for name in own}
    assert told["revenue"] == {"$numberDecimal": str(first["revenue"])}
    months = {row["_id"]: row["customers"] for row in database["shop_orders_month"].find()}
    assert months == {"2024-03-01|GB": 1, "2024-03-01|FR": 1, "2024-03-01|DE": 1}

    before = {row["_id"]: row["updated_at"] for row in database["shop_orders"].find()}
    code, _, err = dashpipe(folder, *run, **uris)
    assert code == 0, err
    assert {row["_id"]: row["updated_at"] for row in database["shop_orders"].find()} == before


def test_pages_are_known():
    """The guides are among the pages that are tested."""
    assert {"analyst.md", "engineer.md", "engines.md", "architecture.md", "README.md"} <= {
        one.name for one in PAGES
    }
    assert fences(ROOT / "README.md")

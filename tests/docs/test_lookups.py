"""The examples of the pages on lookups: a run, and the SQL beside it, give the rows that each shows."""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta

import duckdb
import pyarrow as pa
import pytest

from dashpipe.compile import compile_subject
from dashpipe.spec.model import Grain
from dashpipe.spec.project import load
from tests.differential import duck
from tests.docs.fences import ROOT, fences
from tests.docs.test_specs import dashpipe, project

LOOKUPS, GROUPED = "docs/lookups.md", "docs/grouped_lookups.md"
#: The subject of each page.
SPECS = {LOOKUPS: "metrics/school/teacher_day.yml", GROUPED: "metrics/school/country_day.yml"}
pages = pytest.mark.parametrize("page", SPECS)


def only(page, language):
    """The one example of a page in a language."""
    (found,) = [one.text for one in fences(ROOT / page) if one.language == language]
    return found


def rows_of(page):
    """The rows that a page shows."""
    return json.loads(only(page, "json"))


def documents(page):
    """The documents of a page, by collection."""
    held = {}
    for line in only(page, "jsonl").splitlines():
        ((name, one),) = json.loads(line).items()
        held.setdefault(name, []).append(one)
    for one in held["lessons"]:
        one["ended_at"] = datetime.fromisoformat(one["ended_at"].replace("Z", "+00:00"))
    return held


@pages
def test_the_run_gives_the_rows_of_the_page(database, mongo_uri, tmp_path, page):
    """The days of the page are run, once."""
    base, _, options = mongo_uri.partition("?")
    uri = f"{base.rstrip('/')}/{database.name}?{options}"
    for name, some in documents(page).items():
        database[name].insert_many(some)
    folder, spec = project(tmp_path / "project", page), SPECS[page]
    days = [one["partition_date"] for one in rows_of(page)]
    after = date.fromisoformat(max(days)) + timedelta(days=1)
    window = ("--from", min(days), "--to", after.isoformat())
    uris = {"DASHPIPE_SOURCE_URI": uri, "DASHPIPE_TARGET_URI": uri}
    code, _, err = dashpipe(folder, "run", spec, *window, **uris)
    assert code == 0, err
    shown = rows_of(page)
    target = spec.removeprefix("metrics/").removesuffix(".yml").replace("/", "_")
    rows = database[target].find().sort("_id", 1)
    assert [{name: row[name] for name in shown[0]} for row in rows] == shown


@pages
def test_the_sql_gives_the_rows_of_the_page(page):
    """The same documents in DuckDB."""
    with duckdb.connect() as connection:
        for name, some in documents(page).items():
            columns = list(dict.fromkeys(key for one in some for key in one))
            connection.register(name, pa.table({key: [one.get(key) for one in some] for key in columns}))
        found = connection.execute(only(page, "sql"))
        names = [one[0] for one in found.description]
        rows = [dict(zip(names, row)) for row in found.fetchall()]
    assert sorted(rows, key=repr) == sorted(rows_of(page), key=repr)


def test_the_sql_that_show_prints_gives_the_rows_of_the_page(tmp_path):
    """`dashpipe show --sql` says chains and validity too."""
    (subject,) = load(project(tmp_path / "project", LOOKUPS)).resolved().subjects
    named = {"lessons": "lessons", "name": "teachers", "school": "contracts", "country": "schools"}
    held = documents(LOOKUPS)
    found = duck.rows(
        compile_subject(subject),
        Grain.DAY,
        ("2024-03-04", "2024-03-05"),
        {of: held[name] for of, name in named.items()},
    )
    shown = rows_of(LOOKUPS)
    rows = sorted(found, key=lambda row: row["partition_date"])
    assert [{name: row[name] for name in shown[0]} for row in rows] == shown


def test_show_says_how_rows_are_grouped(tmp_path):
    """The plan names the step, and SQL joins what is looked up before it groups."""
    folder = project(tmp_path / "project", GROUPED)
    code, out, err = dashpipe(folder, "show", SPECS[GROUPED])
    assert code == 0, err
    assert "Write school_country_day: one row per country, day" in out
    assert "Group by country = teachers.country where _id = teacher_id" in out
    code, out, err = dashpipe(folder, "show", SPECS[GROUPED], "--sql")
    assert code == 0, err
    assert "LEFT JOIN teachers AS country_found ON country_found._id = documents_of_lessons.teacher_id" in out

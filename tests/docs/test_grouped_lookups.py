"""The example of the page on rows grouped by what is looked up: a run, and its SQL, give the rows shown."""

from __future__ import annotations

import json
from datetime import datetime

import duckdb
import pyarrow as pa

from tests.docs.fences import ROOT, fences
from tests.docs.test_specs import dashpipe, project

PAGE = "docs/grouped_lookups.md"
COLUMNS = ("partition_date", "country", "lessons", "minutes")


def only(language):
    """The one example of the page in a language."""
    (found,) = [one.text for one in fences(ROOT / PAGE) if one.language == language]
    return found


def documents():
    """The documents of the page, by collection."""
    held = {}
    for line in only("jsonl").splitlines():
        ((name, one),) = json.loads(line).items()
        held.setdefault(name, []).append(one)
    for one in held["lessons"]:
        one["ended_at"] = datetime.fromisoformat(one["ended_at"].replace("Z", "+00:00"))
    return held


def test_the_run_gives_the_rows_of_the_page(database, mongo_uri, tmp_path):
    """Three lessons of two teachers are one row; the unknown teacher and the missing one are another."""
    base, _, options = mongo_uri.partition("?")
    uri = f"{base.rstrip('/')}/{database.name}?{options}"
    for name, some in documents().items():
        database[name].insert_many(some)
    folder = project(tmp_path / "project", PAGE)
    window = ("--from", "2024-03-04", "--to", "2024-03-05")
    uris = {"DASHPIPE_SOURCE_URI": uri, "DASHPIPE_TARGET_URI": uri}
    code, _, err = dashpipe(folder, "run", "metrics/school/country_day.yml", *window, **uris)
    assert code == 0, err
    rows = database["school_country_day"].find().sort("_id", 1)
    assert [{name: row[name] for name in COLUMNS} for row in rows] == json.loads(only("json"))


def test_the_sql_gives_the_rows_of_the_page():
    """The same documents in DuckDB."""
    with duckdb.connect() as connection:
        for name, some in documents().items():
            columns = list(dict.fromkeys(key for one in some for key in one))
            connection.register(name, pa.table({key: [one.get(key) for one in some] for key in columns}))
        found = connection.execute(only("sql")).fetchall()
    assert [dict(zip(COLUMNS, row)) for row in found] == json.loads(only("json"))


def test_show_says_how_rows_are_grouped(tmp_path):
    """The plan names the step, its stages are shown, and SQL says that it does not say it."""
    folder = project(tmp_path / "project", PAGE)
    code, out, err = dashpipe(folder, "show", "metrics/school/country_day.yml")
    assert code == 0, err
    assert "Write school_country_day: one row per country, day" in out
    assert "Group by country = teachers.country where _id = teacher_id" in out
    code, out, err = dashpipe(folder, "show", "metrics/school/country_day.yml", "--sql")
    assert code == 0, err
    assert "rows that are grouped by what is looked up" in out

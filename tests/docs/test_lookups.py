"""The example of the page on lookups: a run, and the SQL beside it, give the rows that it shows."""

from __future__ import annotations

import json
from datetime import datetime

import duckdb
import pyarrow as pa

from dashpipe.compile import compile_subject
from dashpipe.spec.model import Grain
from dashpipe.spec.project import load
from tests.differential import duck
from tests.docs.fences import ROOT, fences
from tests.docs.test_specs import dashpipe, project

PAGE = "docs/lookups.md"
COLUMNS = ("partition_date", "teacher_id", "name", "school", "country", "lessons")


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
    """The school is that of the day, the country that of the school."""
    base, _, options = mongo_uri.partition("?")
    uri = f"{base.rstrip('/')}/{database.name}?{options}"
    for name, some in documents().items():
        database[name].insert_many(some)
    folder = project(tmp_path / "project", PAGE)
    window = ("--from", "2024-03-04", "--to", "2024-03-06")
    uris = {"DASHPIPE_SOURCE_URI": uri, "DASHPIPE_TARGET_URI": uri}
    code, _, err = dashpipe(folder, "run", "metrics/school/teacher_day.yml", *window, **uris)
    assert code == 0, err
    rows = database["school_teacher_day"].find().sort("_id", 1)
    assert [{name: row[name] for name in COLUMNS} for row in rows] == json.loads(only("json"))


def test_the_sql_gives_the_rows_of_the_page():
    """The same documents in DuckDB."""
    with duckdb.connect() as connection:
        for name, some in documents().items():
            columns = list(dict.fromkeys(key for one in some for key in one))
            table = pa.table({key: [one.get(key) for one in some] for key in columns})
            connection.register(name, table)
        found = connection.execute(only("sql") + " ORDER BY 1").fetchall()
    assert [dict(zip(COLUMNS, row)) for row in found] == json.loads(only("json"))


def test_the_sql_that_show_prints_gives_the_rows_of_the_page(tmp_path):
    """`dashpipe show --sql` says chains and validity too."""
    (subject,) = load(project(tmp_path / "project", PAGE)).resolved().subjects
    plan = compile_subject(subject)
    held = documents()
    named = {"lessons": "lessons", "name": "teachers", "school": "contracts", "country": "schools"}
    found = duck.rows(
        plan, Grain.DAY, ("2024-03-04", "2024-03-05"), {of: held[it] for of, it in named.items()}
    )
    rows = sorted(found, key=lambda row: row["partition_date"])
    assert [{name: row[name] for name in COLUMNS} for row in rows] == json.loads(only("json"))

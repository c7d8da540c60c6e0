"""The page on averages of days: its example is run at its grain, and so are its SQL and the one shown."""

from __future__ import annotations

import json
from datetime import date, datetime, timezone

import duckdb
import pytest

from dashpipe.compile import compile_subject
from dashpipe.spec.model import Grain
from tests.differential import duck, stages
from tests.differential.subjects import Case
from tests.docs.fences import ROOT
from tests.docs.test_metrics import COLUMNS, documents_of, only, same_rows, subject_of

PAGE = ROOT / "docs" / "average_of_days.md"


@pytest.fixture(scope="module")
def shown():
    """The rows that the page shows."""
    return json.loads(only(PAGE, "json").text)


def test_example_gives_the_rows(database, tmp_path, shown):
    """The subject of the page, over its documents, gives the rows of the week that it shows, and no other."""
    subject = subject_of(PAGE, tmp_path)
    days, as_of = (date(2024, 3, 25), date(2024, 4, 1)), datetime(2024, 4, 9, tzinfo=timezone.utc)
    case = Case(subject, {"movements": documents_of(PAGE, {})}, days, as_of)
    with stages.loaded(database, case):
        same_rows(shown, stages.computed(database, compile_subject(subject), case, Grain.WEEK))


def test_sql_gives_the_rows(tmp_path, shown):
    """The SQL of the page, over its documents, gives the same rows."""
    types = {one.path: one.type for one in subject_of(PAGE, tmp_path).sources[0].fields}
    columns = ", ".join(f"{name} {COLUMNS[type_]}" for name, type_ in types.items())
    with duckdb.connect() as db:
        db.execute(f"CREATE TABLE movements (_id BIGINT, sold_at TIMESTAMPTZ, {columns})")
        for one in documents_of(PAGE, {}):
            values = [one["_id"], one["sold_at"], *(one[name] for name in types)]
            db.execute(f"INSERT INTO movements VALUES ({', '.join('?' * len(values))})", values)
        result = db.execute(only(PAGE, "sql").text)
        names = [one[0] for one in result.description]
        found = [dict(zip(names, row, strict=True)) for row in result.fetchall()]
    assert set(names) == set(shown[0])
    same_rows(shown, found)


def test_shown_sql_gives_the_rows(tmp_path, shown):
    """The SQL that is shown for the subject of the page gives the same rows too."""
    plan = compile_subject(subject_of(PAGE, tmp_path))
    found = duck.rows(plan, Grain.WEEK, ("2024-03-25",), {"movements": documents_of(PAGE, {})})
    same_rows(shown, found)

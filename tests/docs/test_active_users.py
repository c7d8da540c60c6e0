"""The page on active users: its example is run day by day, from kept values, and so is its SQL."""

from __future__ import annotations

import json
import os
from datetime import date, datetime, timezone

import duckdb
import pytest

from dashpipe.compile import compile_subject
from dashpipe.spec.model import Grain
from tests.differential import duck, runs
from tests.differential.subjects import Case
from tests.docs.fences import ROOT
from tests.docs.test_metrics import COLUMNS, documents_of, only, same_rows, subject_of

PAGE = ROOT / "docs" / "active_users.md"
DAY = "2024-03-28"


@pytest.fixture(scope="module")
def shown():
    """The rows that the page shows."""
    return json.loads(only(PAGE, "json").text)


@pytest.fixture
def world(mongo_uri):
    """Databases of a source and a target."""
    with runs.opened(mongo_uri, f"active_{os.getpid()}", None) as made:
        yield made


def test_example_gives_the_rows(world, tmp_path, shown):
    """Its days run one piece after another, and the old documents are gone when the last day is run."""
    subject = subject_of(PAGE, tmp_path)
    as_of = datetime(2024, 4, 9, tzinfo=timezone.utc)
    case = Case(subject, {"lessons": documents_of(PAGE, {})}, (date(2024, 3, 1), date(2024, 3, 28)), as_of)
    with runs.loaded(world, case.documents):
        runs.run(world, case)
        world.source["lessons"].delete_many({"sold_at": {"$lt": datetime(2024, 3, 27, tzinfo=timezone.utc)}})
        done = runs.run(world, case, days=(date(2024, 3, 28), date(2024, 3, 29)))["steps"]["transform"]
        assert done["reached"] == {"day": {"lessons": {"states": 1, "source": 0}}}
        found = runs.published(world, subject, Grain.DAY)
        same_rows(shown, [one for one in found if one["partition_date"] == DAY])


def test_sql_gives_the_rows(tmp_path, shown):
    """The SQL of the page, over its documents, gives the same rows; so does the SQL that is shown for it."""
    subject = subject_of(PAGE, tmp_path)
    types = {one.path: one.type for one in subject.sources[0].fields}
    columns = ", ".join(f"{name} {COLUMNS[type_]}" for name, type_ in types.items())
    with duckdb.connect() as db:
        db.execute(f"CREATE TABLE lessons (_id BIGINT, sold_at TIMESTAMPTZ, {columns})")
        for one in documents_of(PAGE, {}):
            values = [one["_id"], one["sold_at"], *(one[name] for name in types)]
            db.execute(f"INSERT INTO lessons VALUES ({', '.join('?' * len(values))})", values)
        result = db.execute(only(PAGE, "sql").text)
        names = [one[0] for one in result.description]
        found = [dict(zip(names, row, strict=True)) for row in result.fetchall()]
    same_rows(shown, found)
    plan = compile_subject(subject)
    same_rows(shown, duck.rows(plan, Grain.DAY, (DAY,), {"lessons": documents_of(PAGE, {})}))

"""The page of each metric type: its example is run, and so is its SQL; both give the rows that it shows."""

from __future__ import annotations

import json
import math
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal

import duckdb
import pytest
from bson.decimal128 import Decimal128

from dashpipe.compile import compile_subject, describe
from dashpipe.spec.model import COMPOSITES, JOURNEYS, OF_SOURCE, Grain
from dashpipe.spec.project import load
from tests.differential import duck, stages
from tests.differential.subjects import Case
from tests.docs.fences import ROOT, fences

PAGES = sorted((ROOT / "docs" / "metrics").glob("*.md"))
SETTINGS = "[defaults]\n"
COLUMNS = {"number": "DOUBLE", "decimal": "DECIMAL(18,4)", "integer": "BIGINT", "string": "VARCHAR"}


def only(page, language):
    """The one example of a page in a language."""
    (found,) = [one for one in fences(page) if one.language == language]
    return found


def subject_of(page, folder):
    """The subject that a page defines."""
    fence = only(page, "yaml")
    (folder / "dashpipe.toml").write_text(SETTINGS, encoding="utf-8")
    path = folder / fence.file
    path.parent.mkdir(parents=True)
    path.write_text(fence.text, encoding="utf-8")
    (subject,) = load(folder).resolved().subjects
    return subject


def documents_of(page, types):
    """The documents of a page, with instants as dates, and text as a decimal where the field is one."""
    made = []
    for line in only(page, "jsonl").text.splitlines():
        one = json.loads(line)
        one["sold_at"] = datetime.fromisoformat(one["sold_at"].replace("Z", "+00:00"))
        for name, type_ in types.items():
            if type_ == "decimal" and one[name] is not None:
                one[name] = Decimal128(one[name])
        made.append(one)
    return made


def plain(value):
    """A value without the types of its storage."""
    if isinstance(value, Decimal128):
        value = value.to_decimal()
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, list):
        return [plain(one) for one in value]
    return {name: plain(one) for name, one in value.items()} if isinstance(value, dict) else value


def alike(mine, theirs):
    """Whether two values are equal, doubles to 1e-9."""
    if isinstance(mine, (int, float)) and isinstance(theirs, (int, float)):
        return math.isclose(mine, theirs, rel_tol=1e-9)
    return mine == theirs


def same_rows(shown, found):
    """Whether rows are those that the page shows, in whatever order."""
    by_key = {(one["country"], one["partition_date"]): one for one in found}
    assert by_key.keys() == {(one["country"], one["partition_date"]) for one in shown}
    for one in shown:
        row = by_key[one["country"], one["partition_date"]]
        for name, value in one.items():
            assert alike(plain(value), plain(row[name])), (name, value, row[name])


def test_each_type_has_a_page():
    """There is a page for every metric type, and one of no other."""
    assert [page.stem for page in PAGES] == sorted((*OF_SOURCE, *COMPOSITES, *JOURNEYS))


@pytest.mark.parametrize("page", PAGES, ids=lambda one: one.stem)
def test_a_page_says_when_to_use_its_type(page):
    """Before its example each page says what the type is for, and which traps it avoids after."""
    text = page.read_text(encoding="utf-8")
    assert 0 < text.index("**When to use it.** ") < text.index("\nOver these documents")
    assert text.index("```sql") < text.index("\n## Traps that it avoids\n")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_example_gives_the_rows(page, database, tmp_path):
    """The subject of a page, over its documents, gives the rows that it shows, with each metric."""
    subject = subject_of(page, tmp_path)
    types = {one.path: one.type for one in subject.sources[0].fields}
    days = (date(2024, 3, 31), date(2024, 4, 1))
    as_of = datetime(2024, 3, 31, tzinfo=timezone.utc) + timedelta(days=9)
    case = Case(subject, {"orders": documents_of(page, types)}, days, as_of)
    with stages.loaded(database, case):
        found = stages.computed(database, compile_subject(subject), case, Grain.DAY)
    shown = json.loads(only(page, "json").text)
    assert page.stem in {one.type for one in subject.metrics}
    assert all({one.name for one in subject.metrics} <= row.keys() for row in shown)
    same_rows(shown, found)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_sql_gives_the_rows(page, tmp_path):
    """The SQL of a page, over its documents, gives the rows that it shows."""
    types = {one.path: one.type for one in subject_of(page, tmp_path).sources[0].fields}
    columns = ", ".join(f"{name} {COLUMNS[type_]}" for name, type_ in types.items())
    with duckdb.connect() as db:
        db.execute("SET TimeZone = 'UTC'")
        db.execute(f"CREATE TABLE orders (_id BIGINT, sold_at TIMESTAMPTZ, {columns})")
        for one in documents_of(page, types):
            values = [one["_id"], one["sold_at"], *(plain(one[name]) for name in types)]
            db.execute(f"INSERT INTO orders VALUES ({', '.join('?' * len(values))})", values)
        result = db.execute(only(page, "sql").text)
        names = [one[0] for one in result.description]
        found = [dict(zip(names, row, strict=True)) for row in result.fetchall()]
    shown = json.loads(only(page, "json").text)
    assert set(names) == set(shown[0])
    same_rows(shown, found)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_shown_sql_gives_the_rows(page, tmp_path):
    """The SQL that is shown for the subject of a page gives, over its documents, the same rows."""
    plan = compile_subject(subject_of(page, tmp_path))
    types = {one.path: one.type for one in plan.subject.sources[0].fields}
    labels = describe.labels(plan, Grain.DAY, (date(2024, 3, 31), date(2024, 4, 1)))
    found = duck.rows(plan, Grain.DAY, labels, {"orders": documents_of(page, types)})
    same_rows(json.loads(only(page, "json").text), found)

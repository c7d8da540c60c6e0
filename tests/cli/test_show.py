"""``dashpipe show``: plan, stages and queries of a subject."""

from __future__ import annotations

import json
from contextlib import closing

import duckdb
import pytest

from dashpipe.cli import shell
from tests.compile.projects import project


@pytest.fixture
def show(tmp_path, capsys):
    """A call of the command: its exit code and what it printed."""
    project(tmp_path, "one")

    def call(*arguments: str) -> tuple[int, str]:
        code = shell.run(["show", "acme_shop_one_v1", "--project", str(tmp_path), *arguments])
        captured = capsys.readouterr()
        return code, captured.out + captured.err

    return call


def test_sql_is_a_script_that_duckdb_runs(show):
    """The tables stand in comments; with them made, the script runs as it is."""
    code, out = show("--sql", "--from", "2024-03-30", "--to", "2024-04-02")
    assert code == 0
    assert out.startswith("-- acme_shop_one_v1, grain day\n")
    made = [line.removeprefix("-- ") for line in out.splitlines() if line.startswith("-- CREATE TABLE")]
    with closing(duckdb.connect()) as db:
        db.execute("".join(made))
        names = [one[0] for one in db.execute(out).description]
    assert names[0] == "partition_date"
    assert [line.strip().split("'")[1] for line in out.splitlines() if line.startswith("    ('2024")] == [
        "2024-03-30",
        "2024-03-31",
        "2024-04-01",
    ]


def test_sql_as_json(show):
    """The same for programs: tables, and a query a grain."""
    code, out = show("--sql", "--format", "json")
    told = json.loads(out)
    assert (code, told["version"], told["subject"]) == (0, 1, "acme_shop_one_v1")
    assert [one["grain"] for one in told["queries"]] == ["day"]
    assert told["queries"][0]["sql"].startswith("WITH partitions(")
    assert told["queries"][0]["unsaid"] == []


def test_stages_of_named_days(show):
    """The literals of the stages are those of the days that are named."""
    code, out = show("--from", "2024-03-30")
    assert code == 0
    assert "2024-03-30T" in out
    assert show("--to", "2024-03-30")[0] == 2
    assert show("--from", "2024-03-30", "--to", "2024-03-30")[0] == 2

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
    assert "`2024-03-32` is no date: write YYYY-MM-DD" in show("--from", "2024-03-32")[1]
    assert show("--from", "2024-03-30", "--to", "2024-03-30")[0] == 2


def test_each_pass_and_the_origin_of_each_grain(show):
    """Every pass is told with what it did or why not, and for each grain where its states are from."""
    code, out = show("--without", "rollup")
    assert code == 0
    for name in ("share", "fuse", "push"):
        assert f"\n{name}: applied" in out or f"\n{name}: not applied" in out
    assert "\nrollup: not applied — switched off\n" in out
    assert "\nStates\n------\nday of orders: from the source (no finer grain nests in it)\n" in out
    told = json.loads(show("--format", "json")[1])
    assert [one["pass"] for one in told["passes"]] == ["share", "fuse", "push", "rollup", "running"]
    assert [one.partition(":")[0] for one in told["needs"]] == ["union_with"]  # as every subject
    assert told["states"] == ["day of orders: from the source (no finer grain nests in it)"]


def test_servers_are_asked(show, database, mongo_uri, monkeypatch):
    """With `--explain` the server says how the source is read; that it cannot be reached is said too."""
    monkeypatch.setenv("DASHPIPE_SOURCE_URI", mongo_uri.replace("/?", f"/{database.name}?"))
    monkeypatch.setenv("DASHPIPE_TARGET_URI", mongo_uri.replace("/?", f"/{database.name}?"))
    database["orders"].insert_one({"_id": 1})
    code, out = show("--explain")
    assert code == 0
    assert "\nServer\n------\norders, day: no index: all of it is read" in out
    told = json.loads(show("--explain", "--format", "json")[1])
    assert [one["access"] for one in told["server"]] == ["COLLSCAN"]
    assert show("--explain", "--sql")[0] == 2
    monkeypatch.delenv("DASHPIPE_SOURCE_URI")
    code, out = show("--explain")
    assert code == 2
    assert "the connection `source` is not defined" in out

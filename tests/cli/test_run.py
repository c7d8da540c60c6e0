"""``run``, ``status`` and ``doctor`` as a person uses them: a small project, a real server, what is said."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from pymongo.database import Database

from dashpipe.cli import shell
from dashpipe.run import lease, log

Document = dict[str, Any]

TOML = """
[defaults]
project = "shop"
domain = "dash"
timezone = "Europe/Berlin"
start = "2024-01-01"
owner = "shop-team"

[allow]
env = ["SHOP_*"]
"""

SUBJECT = """
dashpipe: 1
subject: daily
description: One row per country and local day.
sources:
  - name: orders
    collection: {env: SHOP_ORDERS, default: orders}
    time: paid_at
    fields: {total: integer, country: string}
    dimensions: [country]
dimensions: [country]
grains: [day, month]
metrics:
  - {name: orders, type: count}
  - {name: revenue, type: sum, expr: total}
target: {collection: daily}
checks:
  - {id: not-negative, type: range, metric: revenue, fail: {below: 0}}
"""

Run = Callable[..., int]


@pytest.fixture
def project(
    tmp_path: Path, database: Database[Document], mongo_uri: str, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """A project with one subject over three orders; the working folder is in it."""
    (tmp_path / "metrics" / "dash").mkdir(parents=True)
    (tmp_path / "dashpipe.toml").write_text(TOML, encoding="utf-8")
    (tmp_path / "metrics" / "dash" / "daily.yml").write_text(SUBJECT, encoding="utf-8")
    orders = [(1, 5, "DE", 10), (2, 5, "FR", 20), (3, 6, "DE", 30)]
    database["orders"].insert_many(
        {"_id": number, "paid_at": datetime(2024, 3, day, 12, tzinfo=timezone.utc), "country": c, "total": n}
        for number, day, c, n in orders
    )
    database["orders"].create_index("paid_at")
    uri = mongo_uri.replace("/?", f"/{database.name}?")
    (tmp_path / ".env").write_text(
        f"DASHPIPE_SOURCE_URI={uri}\nDASHPIPE_TARGET_URI={uri}\n", encoding="utf-8"
    )
    for name in ("DASHPIPE_SOURCE_URI", "DASHPIPE_TARGET_URI", "LOOKBACK_DAYS", "BATCH_SIZE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


MARCH = ("--from", "2024-03-05", "--to", "2024-03-07")


def test_a_run_prints_window_counts_and_checks(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The result goes to standard output, the log to standard error; a second run says so."""
    assert shell.run(["run", "shop_dash_daily_v1", *MARCH]) == 0
    out, err = capsys.readouterr()
    lines = [line.split() for line in out.splitlines()]
    assert ["day", "3", "3", "0", "0", "0"] in lines
    assert ["month", "2", "2", "0", "0", "0"] in lines
    assert "from `from` and `to`" in out
    assert "2 pass" in out
    assert "nothing changed" not in out
    assert "window run=command/" in err
    assert shell.run(["run", "metrics/dash/daily.yml", *MARCH]) == 0
    out = capsys.readouterr().out
    assert ["day", "3", "0", "0", "3", "0"] in [line.split() for line in out.splitlines()]
    assert out.endswith("nothing changed\n")


def test_a_run_as_json_is_one_document(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Standard output holds the subject, the run, its window the receipt of each step, nothing else."""
    assert shell.run(["run", "shop_dash_daily_v1", "--date", "2024-03-05", "--format", "json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["version"], document["subject"]) == (1, "shop_dash_daily_v1")
    assert document["window"]["start"] == "2024-03-04T23:00:00Z"
    assert list(document["steps"]) == [
        "extract_orders",
        "transform",
        "validate",
        "load",
        "publish",
        "cleanup",
    ]
    assert document["steps"]["load"]["counts"]["day"]["inserted"] == 2


def test_a_failed_check_is_exit_code_1_and_the_target_keeps_its_rows(
    project: Path, database: Database[Document], capsys: pytest.CaptureFixture[str]
) -> None:
    """What failed is said with its partition and value; `status` shows the partition as failed."""
    assert shell.run(["run", "shop_dash_daily_v1", *MARCH]) == 0
    before = list(database["daily"].find().sort("_id"))
    database["orders"].update_one({"_id": 3}, {"$set": {"total": -5}})
    capsys.readouterr()
    assert shell.run(["run", "shop_dash_daily_v1", *MARCH]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert "not-negative" in err
    assert "2024-03-06" in err
    assert list(database["daily"].find().sort("_id")) == before
    assert shell.run(["status", "shop_dash_daily_v1"]) == 1
    shown = capsys.readouterr().out
    assert any(line.split()[:3] == ["day", "failed", "2024-03-06"] for line in shown.splitlines())
    assert shell.run(["run", "shop_dash_daily_v1", *MARCH, "--format", "json"]) == 1
    failed = json.loads(capsys.readouterr().out)
    assert [one["partition"] for one in failed["checks"] if one["status"] == "fail"] == ["2024-03-06"]


def test_no_wait_gives_up_where_another_run_is_at_work(
    project: Path, database: Database[Document], capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 2, with the holder's name and step."""
    held = lease.enter(database, "shop_dash_daily_v1", "dag/other", "load", fenced=True, log=log.silent)
    assert shell.run(["run", "shop_dash_daily_v1", "--date", "2024-03-05", "--no-wait"]) == 2
    assert "is being run by dag/other (step load)" in capsys.readouterr().err
    assert shell.run(["status"]) == 0
    assert "running: dag/other, step load" in capsys.readouterr().out
    held.release()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--from", "2024-03-05"), "there is a `from` without a `to`"),
        (("--from", "2024-03-05", "--to", "2024-03-05"), "is not after `from`"),
        (("--date", "2023-12-31"), "is before the start of shop_dash_daily_v1 (2024-01-01)"),
        (("--date", "5.3.2024"), "`5.3.2024` is no date: write YYYY-MM-DD"),
        (("--date", "2024-03-05", "--to", "2024-03-07"), "--date is one day"),
        (("--now", "2024-03-05T12:00:00"), "is no instant: write it with its offset"),
    ],
)
def test_dates_that_make_no_window_are_refused(
    project: Path, arguments: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 2 and one sentence that says what to write; nothing is written."""
    assert shell.run(["run", "shop_dash_daily_v1", *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert said in err
    assert "Traceback" not in err


def test_a_subject_with_errors_does_not_run(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its findings are shown instead."""
    path = project / "metrics" / "dash" / "daily.yml"
    path.write_text(SUBJECT.replace("expr: total", "expr: totl +"), encoding="utf-8")
    assert shell.run(["run", "shop_dash_daily_v1", "--date", "2024-03-05"]) != 0
    out, err = capsys.readouterr()
    assert "metrics/dash/daily.yml" in out + err
    assert "Traceback" not in err


def test_doctor_names_what_is_missing(
    project: Path, database: Database[Document], capsys: pytest.CaptureFixture[str]
) -> None:
    """A sound project is well; a dropped index and an empty source are warnings with their cure."""
    assert shell.run(["doctor"]) == 0
    assert "an index serves paid_at; computed on the server" in capsys.readouterr().out
    database["orders"].drop_index("paid_at_1")
    assert shell.run(["doctor"]) == 0
    assert "db.orders.createIndex({paid_at: 1})" in capsys.readouterr().out
    database["orders"].drop()
    assert shell.run(["doctor", "--format", "json"]) == 0
    verdicts = json.loads(capsys.readouterr().out)["verdicts"]
    assert [one["level"] for one in verdicts if "has no documents" in one["said"]] == ["warning"]


def test_doctor_fails_where_a_connection_does(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A server that does not answer and a variable that is not set are failures; no password is shown."""
    monkeypatch.setenv(
        "DASHPIPE_SOURCE_URI", "mongodb://u:hunter2@127.0.0.1:9/shop?serverSelectionTimeoutMS=200"
    )
    assert shell.run(["doctor"]) == 1
    out, err = capsys.readouterr()
    assert "failure  connection source" in out
    assert "does not answer" in out
    assert "is it up, and is its address right?" in out
    assert "hunter2" not in out + err


def test_what_a_person_should_look_at_stands_in_the_result(
    project: Path, database: Database[Document], capsys: pytest.CaptureFixture[str]
) -> None:
    """A lookup that finds nothing and a field that no document has: the run is green, and says so."""
    spec = project / "metrics" / "dash" / "daily.yml"
    lookup = "{collection: lands, key: country, foreign: _id, field: n}"
    looked = f"dimensions:\n  - country\n  - {{name: land, lookup: {lookup}}}\n"
    spec.write_text(SUBJECT.replace("dimensions: [country]\ngrains", f"{looked}grains"), encoding="utf-8")
    database["orders"].update_many({}, {"$rename": {"total": "amount"}})
    assert shell.run(["run", "shop_dash_daily_v1", "--date", "2024-03-05"]) == 0
    out = capsys.readouterr().out
    assert "warning lookup land: only 0 of 2 keys were found\n" in out
    assert "warning none of 2 documents of orders has `total`: is its name right?\n" in out


def test_steps_are_told_in_the_order_in_which_they_are_done(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """So that the last one named is how far a run came."""
    assert shell.run(["run", "shop_dash_daily_v1", "--date", "2024-03-05"]) == 0
    assert shell.run(["status", "shop_dash_daily_v1"]) == 0
    assert ": extract_orders, transform, validate, load, publish\n" in capsys.readouterr().out


def test_nothing_runs_with_settings_that_cannot_be_read(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Else a run would take built-in values for the lookback and whatever else stands in dashpipe.toml."""
    with (project / "dashpipe.toml").open("a", encoding="utf-8") as settings:
        settings.write("\n[defaults\n")
    assert shell.run(["run", "shop_dash_daily_v1", "--date", "2024-03-05"]) == 2
    err = capsys.readouterr().err
    assert "dashpipe.toml has errors, mend them first" in err
    assert "Traceback" not in err


def test_doctor_of_one_subject(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Named by its id or its file, it alone is looked at; one that is not there is said."""
    assert shell.run(["doctor", "shop_dash_daily_v1"]) == 0
    assert "an index serves paid_at" in capsys.readouterr().out
    assert shell.run(["doctor", "shop_dash_dayly_v1"]) == 2
    assert "did you mean shop_dash_daily_v1?" in capsys.readouterr().err


def test_the_environment_wins_over_the_env_file(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """``.env`` stands in for variables that are not set."""
    monkeypatch.setenv("DASHPIPE_TARGET_URI", "mongodb://127.0.0.1:9")
    assert shell.run(["run", "shop_dash_daily_v1", "--date", "2024-03-05"]) == 2
    assert "the connection `target` (from DASHPIPE_TARGET_URI) has no database" in capsys.readouterr().err


def test_a_variable_that_is_not_fit_is_named(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """BATCH_SIZE must be a number, a collection's variable a collection's name."""
    monkeypatch.setenv("BATCH_SIZE", "many")
    assert shell.run(["run", "shop_dash_daily_v1", "--date", "2024-03-05"]) == 2
    assert "BATCH_SIZE is no number of documents" in capsys.readouterr().err
    monkeypatch.delenv("BATCH_SIZE")
    monkeypatch.setenv("SHOP_ORDERS", "hunter2 !")
    assert shell.run(["run", "shop_dash_daily_v1", "--date", "2024-03-05"]) == 2
    err = capsys.readouterr().err
    assert "SHOP_ORDERS" in err
    assert "hunter2" not in err

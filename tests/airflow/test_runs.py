"""Whole runs through Airflow: ``dag.test()`` with its database, over a real server."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
from datetime import datetime, timedelta, timezone
from importlib.util import module_from_spec, spec_from_file_location
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from dashpipe.run import lease, state
from dashpipe.run.log import silent
from tests.compile.projects import subject, write

DAG_ID = "acme_shop_daily_v1"
CONF = {"from": "2024-03-01", "to": "2024-03-03"}
MORE = "airflow: {retries: 2, retry_delay: 1}\n"


@pytest.fixture
def deployed(home: Path, database: Any, mongo_uri: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The project with its source filled and its connections set; between two tries lies a second."""
    head, _, query = mongo_uri.partition("?")
    uri = f"{head.rstrip('/')}/{database.name}" + (f"?{query}" if query else "")
    for name in ("SOURCE", "TARGET"):
        monkeypatch.setenv(f"DASHPIPE_{name}_URI", uri)
    start = datetime(2024, 3, 1, 12, tzinfo=timezone.utc)
    database["orders"].insert_many(
        {"_id": number, "paid_at": start + timedelta(days=number % 2), "country": "GB", "total": number}
        for number in range(10)
    )
    write(home, {"metrics/shop/daily.yml": subject("daily", MORE)})
    return home


def dag_of(home: Path) -> Any:
    """The subject's DAG, imported as a person's script would."""
    spec = spec_from_file_location("generated", home / "dags" / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return getattr(module, DAG_ID)


def outcome(run: Any) -> tuple[str, dict[str, str], dict[str, int]]:
    """The run's state, and each task's state and tries."""
    tasks = run.get_task_instances()
    states = {one.task_id: str(one.state) for one in tasks}
    return str(run.state), states, {one.task_id: one.try_number for one in tasks}


def lease_of(database: Any) -> dict[str, Any]:
    found: dict[str, Any] = database[state.TARGETS].find_one({"_id": DAG_ID})
    return found


def test_a_run_publishes_and_a_second_changes_nothing(
    deployed: Path, database: Any, airflow_database: Path
) -> None:
    """All tasks are green, the rows are right, receipts are XComs, and the asset says what was published."""
    dag = dag_of(deployed)
    run = dag.test(run_conf=CONF)
    condition, states, _ = outcome(run)
    assert condition == "success"
    assert set(states.values()) == {"success"}
    rows = list(database["dash_daily"].find(sort=[("partition_date", 1)]))
    found = [
        (one["partition_date"], one["country"], one["orders_count"], one["orders_revenue"]) for one in rows
    ]
    assert found == [("2024-03-01", "GB", 5, 20.0), ("2024-03-02", "GB", 5, 25.0)]
    record = database[state.RUNS].find_one({"_id": f"{DAG_ID}/{run.run_id}"})
    assert record["state"] == "closed"
    with sqlite3.connect(airflow_database) as connection:
        query = "select extra from asset_event where source_dag_id = ? and source_run_id = ?"
        ((extra,),) = connection.execute(query, (DAG_ID, run.run_id)).fetchall()
    assert f'"run": "{DAG_ID}/{run.run_id}"' in extra
    assert '"partitions": {"day": 2}' in extra

    again = dag.test(run_conf=CONF)
    assert outcome(again)[0] == "success"
    load = database[state.RUNS].find_one({"_id": f"{DAG_ID}/{again.run_id}"})["receipts"]["load"]
    assert [load["counts"]["day"][key] for key in ("inserted", "changed", "removed", "same")] == [0, 0, 0, 2]


def test_a_failed_check_is_red_at_once_and_cleaned_up(deployed: Path, database: Any) -> None:
    """A failed check is not tried again and stops the run; cleanup frees the lease, but leaves it red."""
    database["orders"].delete_many({})
    write(deployed, {"metrics/shop/daily.yml": subject("daily", MORE)})
    condition, states, tries = outcome(dag_of(deployed).test(run_conf=CONF))
    assert condition == "failed"
    assert states == {
        "extract_orders": "success",
        "transform_daily": "success",
        "validate_daily": "failed",
        "load_daily": "upstream_failed",
        "publish_daily": "upstream_failed",
        "cleanup_daily": "success",
    }
    assert tries["validate_daily"] == 1
    assert lease_of(database)["holder"] is None


def test_a_conf_that_is_wrong_is_refused(deployed: Path, database: Any) -> None:
    """A run whose conf has another key fails at its first task, once, and writes nothing."""
    condition, states, tries = outcome(dag_of(deployed).test(run_conf={"form": "2024-03-01"}))
    assert (condition, states["extract_orders"], tries["extract_orders"]) == ("failed", "failed", 1)
    assert database.list_collection_names() == ["orders"]


def test_a_source_that_is_down_is_tried_again(
    deployed: Path, database: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that does not answer spends the tries; cleanup runs although every extract failed."""
    monkeypatch.setenv("DASHPIPE_SOURCE_URI", "mongodb://127.0.0.1:1/gone?serverSelectionTimeoutMS=200")
    condition, states, tries = outcome(dag_of(deployed).test(run_conf=CONF))
    assert (condition, states["extract_orders"], states["cleanup_daily"]) == ("failed", "failed", "success")
    assert tries["extract_orders"] == 3
    assert lease_of(database)["holder"] is None


def test_a_run_waits_for_another(deployed: Path, database: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """While another run holds the lease, a task comes back later without spending a try."""
    monkeypatch.setattr("dashpipe.airflow.task.WAIT", timedelta(seconds=1))
    dag = dag_of(deployed)
    held = lease.enter(database, DAG_ID, "another/run", "load_daily", fenced=True, log=silent)
    threading.Timer(3, held.release).start()
    condition, states, tries = outcome(dag.test(run_conf=CONF))
    assert (condition, set(states.values()), set(tries.values())) == ("success", {"success"}, {1})
    assert database["dash_daily"].count_documents({}) == 2


@pytest.mark.slow
def test_four_runs_at_once(deployed: Path, database: Any, migrated: Path, tmp_path: Path) -> None:
    """Four Airflows that start a run of one subject at once: all end green, one after another."""
    running = []
    for number in range(4):
        own = tmp_path / str(number)
        own.mkdir()
        shutil.copy(migrated, own / "airflow.db")
        environment = {
            **os.environ,
            "AIRFLOW_HOME": str(own),
            "AIRFLOW__CORE__DAGS_FOLDER": str(deployed / "dags"),
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{own}/airflow.db",
        }
        command = [sys.executable, "-m", "dashpipe.airflow.trial", str(deployed / "dags" / "generate.py")]
        running.append(
            subprocess.Popen(
                command,
                env=environment,
                text=True,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
        )
    for one in running:
        assert one.stdout is not None
        assert json.loads(one.stdout.readline())["dags"] == [DAG_ID]
    job = json.dumps({"dag_id": DAG_ID, "conf": CONF}) + "\n"
    for one in running:  # all are ready: they start at once
        assert one.stdin is not None
        one.stdin.write(job)
        one.stdin.close()
    answers = [json.loads(one.stdout.readline()) for one in running if one.stdout is not None]
    assert [one.wait() for one in running] == [0] * 4
    assert [(one["state"], one["failed"]) for one in answers] == [("success", [])] * 4
    assert database["dash_daily"].count_documents({}) == 2
    spans = sorted(
        (one["receipts"]["transform"]["fence"], one["receipts"]["load"]["fence"])
        for one in database[state.RUNS].find({"subject": DAG_ID})
    )
    assert len(spans) == 4
    assert all(end < start for (_, end), (start, _) in pairwise(spans))
    assert lease_of(database)["holder"] is None


@pytest.mark.parametrize("on_broken", ["last_good", "stub"])
def test_a_spec_that_breaks_under_a_run(deployed: Path, database: Any, on_broken: str) -> None:
    """With the last good plan the run ends as it began; as a stub its steps fail, and its cleanup is real."""
    more = f"airflow: {{retries: 2, retry_delay: 1, on_broken: {on_broken}}}\n"
    write(deployed, {"metrics/shop/daily.yml": subject("daily", more)})
    dag = dag_of(deployed)

    def breaks(_: Any) -> None:
        text = subject("daily", more).replace("orders_count", "orders_cuont")
        write(deployed, {"metrics/shop/daily.yml": text})

    dag.get_task("extract_orders").on_success_callback = [breaks]
    condition, states, tries = outcome(dag.test(run_conf=CONF))
    assert states["cleanup_daily"] == "success"
    assert lease_of(database)["holder"] is None
    if on_broken == "last_good":
        assert condition == "success"
        assert database["dash_daily"].count_documents({}) == 2
    else:
        assert (condition, states["transform_daily"], tries["transform_daily"]) == ("failed", "failed", 1)
        assert database["dash_daily"].count_documents({}) == 0
    assert "spec-error" in dag_of(deployed).tags

"""Import of ``dags/generate.py`` with 1,000 subjects of six tasks: beside a loop, and beside dag-factory.

Each in a process of its own that has imported Airflow before the clock starts, as the dag processor has. All
three make the same DAGs of the same operator: schedule, retries, time-outs, tags, text, asset. The loop's are
compared with ours as Airflow serializes them; dag-factory has no words for a teardown: a plain task instead.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import yaml

from benchmarks.harness import Measure, Result, paired, process, script
from benchmarks.specs import project

TIMED = """
import importlib.util, json, sys, time
from airflow.sdk import DAG, Asset
Asset("another:asset")  # the first one of a process loads all providers
cpu, wall = time.process_time(), time.perf_counter()
spec = importlib.util.spec_from_file_location("subject_dags", {file!r})
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
dags = {{one.dag_id: one for one in vars(module).values() if isinstance(one, DAG)}}
assert len(dags) == {count}, len(dags)
assert {{len(one.tasks) for one in dags.values()}} == {{6}}
if {compare!r}:
    from airflow.serialization.serialized_objects import DagSerialization
    def plain(dag):
        encoded = DagSerialization.to_dict(dag)
        for name in ("fileloc", "relative_fileloc"):
            encoded["dag"].pop(name, None)
        return encoded
    some = {{name: plain(dag) for name, dag in sorted(dags.items())[:20]}}
    with open({compare!r}, "w") as file:
        json.dump(some, file, sort_keys=True, default=str)
print(wall, cpu)
"""

LOOP = '''
"""The same DAGs, as one writes them by hand: the values stand in the file, nothing is read."""

from datetime import timedelta

import pendulum
from airflow.sdk import DAG, Asset, CronDataIntervalTimetable, TriggerRule

from dashpipe.airflow.operator import DashpipeOperator

ZONE = pendulum.timezone("Europe/London")
for dag_id, value in {values!r}.items():
    dag = DAG(
        dag_id,
        description=value["description"],
        doc_md=value["doc_md"],
        schedule=CronDataIntervalTimetable(value["cron"], timezone=ZONE),
        start_date=pendulum.datetime(2024, 1, 1, tz=ZONE),
        end_date=None,
        catchup=False,
        tags=value["tags"],
        max_active_runs=16,
        max_active_tasks=16,
        max_consecutive_failed_dag_runs=0,
        dagrun_timeout=timedelta(seconds=value["run_timeout"]),
        is_paused_upon_creation=False,
        fail_fast=False,
        render_template_as_native_obj=False,
    )
    common = dict(
        owner="bench",
        retries=value["retries"],
        retry_delay=timedelta(seconds=value["retry_delay"]),
        retry_exponential_backoff=2.0,
        max_retry_delay=timedelta(hours=1),
        execution_timeout=timedelta(seconds=value["step_timeout"]),
        depends_on_past=False,
        do_xcom_push=True,
        subject_id=dag_id,
        dag=dag,
    )
    name = value["name"]
    source = dict(source="orders", outlets=[])
    extract = DashpipeOperator(task_id="extract_orders", step="extract", **source, **common)
    transform = DashpipeOperator(task_id=f"transform_{{name}}", step="transform", outlets=[], **common)
    validate = DashpipeOperator(task_id=f"validate_{{name}}", step="validate", outlets=[], **common)
    load = DashpipeOperator(task_id=f"load_{{name}}", step="load", outlets=[], **common)
    asset = Asset(f"dashpipe:{{dag_id}}")
    publish = DashpipeOperator(task_id=f"publish_{{name}}", step="publish", outlets=[asset], **common)
    cleanup = DashpipeOperator(task_id=f"cleanup_{{name}}", step="cleanup", outlets=[], **common)
    cleanup.as_teardown(setups=[extract], on_failure_fail_dagrun=False)
    cleanup.trigger_rule = TriggerRule.ALL_DONE
    extract >> transform >> validate >> load >> publish >> cleanup
    globals()[dag_id] = dag
'''

FACTORY = """
from airflow.sdk import DAG
from dagfactory import load_yaml_dags

load_yaml_dags(globals_dict=globals(), config_filepath={config!r})
"""


def run(*, quick: bool) -> list[Result]:
    """Compare."""
    subjects = 200 if quick else 1_000
    with tempfile.TemporaryDirectory() as name:
        folder = project(Path(name) / "project", subjects, dags=True)
        process([sys.executable, "-m", "dashpipe", "compile"], cwd=folder)
        manifest = folder / "dags" / "_manifest"
        entries = [json.loads(one.read_text("utf-8")) for one in sorted(manifest.glob("bench_*.json"))]
        loop, factory = Path(name) / "loop.py", Path(name) / "factory.py"
        values = {one["dag_id"]: _values(one) for one in entries}
        loop.write_text(LOOP.format(values=values), "utf-8")
        config = Path(name) / "factory.yml"
        config.write_text(yaml.safe_dump({one["dag_id"]: _config(one) for one in entries}), "utf-8")
        factory.write_text(FACTORY.format(config=str(config)), "utf-8")
        home = Path(name) / "airflow"
        home.mkdir()

        def timed(file: Path, compare: str = "") -> Measure:
            code = TIMED.format(file=str(file), count=subjects, compare=compare)
            return script(code, AIRFLOW_HOME=str(home), AIRFLOW__CORE__LOAD_EXAMPLES="False")

        ours = folder / "dags" / "generate.py"
        texts = []
        for one in (ours, loop):
            written = Path(name) / f"{one.stem}.json"
            timed(one, str(written))
            texts.append(written.read_text("utf-8"))
        assert texts[0] == texts[1], "the loop does not make the same DAGs"

        about = {"subjects": subjects, "tasks": 6 * subjects}
        ours_way = ("dags/generate.py", lambda: timed(ours))
        return [
            paired(
                "import of the DAG file, beside a plain loop",
                ours_way,
                ("the loop", lambda: timed(loop)),
                pairs=1 if quick else 7,
                faster=False,
                goal=1.15,
                warm=False,
                about=about,
            ),
            paired(
                "import of the DAG file, beside dag-factory",
                ours_way,
                ("dag-factory, one YAML file", lambda: timed(factory)),
                pairs=1 if quick else 3,
                warm=False,
                goal=5.0,
                about=about,
            ),
        ]


def _values(entry: dict[str, Any]) -> dict[str, Any]:
    described = entry["dag"]
    options = described["options"]
    return {
        "name": entry["dag"]["tasks"][-1]["id"].removeprefix("cleanup_"),
        "description": described["description"],
        "doc_md": described["doc_md"],
        "tags": described["tags"],
        "cron": described["schedule"]["cron"],
        **{name: options[name] for name in ("retries", "retry_delay", "step_timeout", "run_timeout")},
    }


def _config(entry: dict[str, Any]) -> dict[str, Any]:
    """The DAG as dag-factory has it: the same values in its words."""
    described, options = entry["dag"], entry["dag"]["options"]

    def seconds(value: int) -> dict[str, Any]:
        return {"__type__": "datetime.timedelta", "seconds": value}

    tasks, before = [], None
    for one in described["tasks"]:
        task = {
            "task_id": one["id"],
            "operator": "dashpipe.airflow.operator.DashpipeOperator",
            "subject_id": entry["dag_id"],
            "step": one["step"],
            "dependencies": [before] if before else [],
        }
        if "source" in one:
            task["source"] = one["source"]
        if one["step"] == "publish":
            asset = {"__type__": "airflow.sdk.Asset", "name": f"dashpipe:{entry['dag_id']}"}
            task["outlets"] = [asset]
        tasks.append(task)
        before = one["id"]
    return {
        "description": described["description"],
        "doc_md": described["doc_md"],
        "schedule": {
            "__type__": "airflow.sdk.CronDataIntervalTimetable",
            "__args__": [described["schedule"]["cron"]],
            "timezone": "Europe/London",
        },
        "catchup": False,
        "tags": described["tags"],
        "max_active_runs": 16,
        "max_active_tasks": 16,
        "dagrun_timeout": seconds(options["run_timeout"]),
        "is_paused_upon_creation": False,
        "default_args": {
            "owner": "bench",
            "start_date": "2024-01-01",
            "retries": options["retries"],
            "retry_delay": seconds(options["retry_delay"]),
            "retry_exponential_backoff": 2.0,
            "max_retry_delay": seconds(3600),
            "execution_timeout": seconds(options["step_timeout"]),
        },
        "tasks": tasks,
    }

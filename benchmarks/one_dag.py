"""One DAG by its id, as a worker wants it before each task: how long beyond importing Airflow alone.

Airflow imports some of itself when the first DAG and the first asset are made, whoever makes them: that is
done before.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from benchmarks.harness import Measure, Result, paired, process, script
from benchmarks.specs import project

#: Airflow as whole as any DAG file needs it.
AIRFLOW = """
import time
from airflow.sdk import DAG, Asset, BaseOperator, CronDataIntervalTimetable
any_dag = DAG("any", schedule=CronDataIntervalTimetable("@daily", timezone="UTC"), catchup=False)
BaseOperator(task_id="any", dag=any_dag, outlets=[Asset("another:asset")])
"""

ONE = (
    AIRFLOW
    + """
import importlib.util
spec = importlib.util.spec_from_file_location("subject_dags", {file!r})
module = importlib.util.module_from_spec(spec)
cpu, wall = time.process_time(), time.perf_counter()
spec.loader.exec_module(module)
cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
assert [one.dag_id for one in vars(module).values() if isinstance(one, DAG)] == [{dag_id!r}]
print(wall, cpu)
"""
)


def run(*, quick: bool) -> list[Result]:
    """Compare, at several sizes of the project."""
    return [_with(subjects, quick) for subjects in ((10, 1_000) if quick else (10, 100, 1_000, 10_000))]


def _with(subjects: int, quick: bool) -> Result:
    with tempfile.TemporaryDirectory() as name:
        folder = project(Path(name) / "project", subjects, dags=True)
        process([sys.executable, "-m", "dashpipe", "compile"], cwd=folder)
        home = Path(name) / "airflow"
        home.mkdir()
        dag_id = f"bench_shop_orders_{subjects // 2:05d}_v1"
        environ = {
            "AIRFLOW_HOME": str(home),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "_AIRFLOW_PARSING_CONTEXT_DAG_ID": dag_id,
            "_AIRFLOW_PARSING_CONTEXT_TASK_ID": "any",
        }
        one = ONE.format(file=str(folder / "dags" / "generate.py"), dag_id=dag_id)
        return paired(
            f"one DAG of {subjects:,}, beyond importing Airflow",
            ("dags/generate.py", lambda: script(one, **environ)),
            ("nothing", lambda: Measure(0.0, 0.0)),
            pairs=1 if quick else 5,
            warm=False,
            limit=50.0,
            about={"subjects": subjects},
        )

"""Run DAGs through Airflow in this process, one after another: what ``dashpipe demo`` starts beside itself.

``python -m dashpipe.airflow.trial FILE`` reads jobs from standard input, one JSON line each
(``{"dag_id": …, "conf": {…}}``), runs each with ``dag.test()``, and answers with one JSON line on standard
output. Whatever Airflow prints goes to standard error.
"""

from __future__ import annotations

import json
import os
import sys
import time
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any, TextIO


def main(arguments: list[str] | None = None) -> int:
    """Answer jobs until standard input ends; the first answer says that Airflow and the DAGs are there.

    Returns:
        0; what failed is in the answers.
    """
    (file,) = sys.argv[1:] if arguments is None else arguments
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    dags = _dags(_module(Path(file)))
    _say(answers, {"dags": sorted(dags)})
    for line in sys.stdin:
        job = json.loads(line)
        _say(answers, _run(dags[job["dag_id"]], job["conf"]))
    return 0


def _say(answers: TextIO, answer: dict[str, Any]) -> None:
    answers.write(json.dumps(answer) + "\n")
    answers.flush()


def _module(path: Path) -> ModuleType:
    spec = spec_from_file_location("dashpipe_trial_dags", path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _dags(module: ModuleType) -> dict[str, Any]:
    from airflow.sdk import DAG

    return {one.dag_id: one for one in vars(module).values() if isinstance(one, DAG)}


def _run(dag: Any, conf: dict[str, Any]) -> dict[str, Any]:
    """``dag.test()`` returns normally when the run failed, so the states of run and tasks are what counts."""
    for task in dag.tasks:
        task.retries = 0  # whoever watches wants to know at once
    started = time.monotonic()
    run = dag.test(run_conf=conf)
    failed = sorted(one.task_id for one in run.get_task_instances() if str(one.state) == "failed")
    return {
        "dag_id": dag.dag_id,
        "run_id": run.run_id,
        "state": str(run.state),
        "failed": failed,
        "seconds": round(time.monotonic() - started, 2),
    }


if __name__ == "__main__":
    raise SystemExit(main())

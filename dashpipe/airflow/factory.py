"""From a manifest entry to its DAG. All is set, so that no default of an Airflow version decides anything."""

from __future__ import annotations

from datetime import date, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import pendulum

from dashpipe.airflow._compat import BACKOFF, DAG, Asset, CronDataIntervalTimetable, TriggerRule
from dashpipe.airflow.operator import DashpipeOperator
from dashpipe.compile.dag import asset

if TYPE_CHECKING:
    from dashpipe.compile.entry import Entry

#: Runs of one subject at once. The lease lets one work at a time; the others wait without holding a worker.
MAX_ACTIVE_RUNS = 16
#: The longest pause between two tries.
MAX_RETRY_DELAY = timedelta(hours=1)


def build(entry: Entry, file: str) -> DAG:
    """The DAG of an entry, registered nowhere.

    Args:
        entry: The manifest entry.
        file: The DAG file that asks for it.
    """
    described = entry["dag"]
    options = described["options"]
    dag_id = entry["dag_id"]
    zone = _zone(described["timezone"])
    start = date.fromisoformat(described["start_date"]) if described["start_date"] else date(2000, 1, 1)
    dag = DAG(
        dag_id,
        description=described["description"] or None,
        doc_md=described["doc_md"],
        schedule=_schedule(described["schedule"], zone),
        start_date=pendulum.datetime(start.year, start.month, start.day, tz=zone),
        end_date=None,
        catchup=False,
        tags=described["tags"],
        max_active_runs=MAX_ACTIVE_RUNS,
        max_active_tasks=MAX_ACTIVE_RUNS,
        max_consecutive_failed_dag_runs=0,
        dagrun_timeout=timedelta(seconds=options["run_timeout"]),
        is_paused_upon_creation=options["paused"],
        fail_fast=False,
        render_template_as_native_obj=False,
    )
    dag.fileloc = file
    arguments = _arguments(described["owner"], options)
    _tasks(dag, entry, arguments)
    return dag


def _tasks(dag: DAG, entry: Entry, arguments: dict[str, Any]) -> None:
    """Extracts side by side, then one step after the other; cleanup whatever happened."""
    dag_id = entry["dag_id"]
    extracts: list[DashpipeOperator] = []
    last: DashpipeOperator | None = None
    for one in entry["dag"]["tasks"]:
        step = one["step"]
        task = DashpipeOperator(
            task_id=one["id"],
            subject_id=dag_id,
            step=step,
            source=one.get("source"),
            outlets=[Asset(asset(dag_id))] if step == "publish" else [],
            dag=dag,
            **arguments,
        )
        if step == "extract":
            extracts.append(task)
        elif step == "cleanup":
            # Extracts are its setups: clearing any task clears them and the cleanup too, so that what a
            # cleared task takes (the lease, staging) is given back. A teardown's own rule would leave it out
            # where every extract failed; on_failure_fail_dagrun would make it the run's only judge.
            task.as_teardown(setups=extracts, on_failure_fail_dagrun=False)
            task.trigger_rule = TriggerRule.ALL_DONE
            if last is not None:
                task.set_upstream(last)
        else:
            task.set_upstream(extracts if last is None else last)
            last = task


def _schedule(wanted: dict[str, Any] | None, zone: pendulum.Timezone) -> Any:
    """A timetable object, never a bare cron string: what that means differs between versions."""
    if wanted is None:
        return None
    if "cron" in wanted:
        return CronDataIntervalTimetable(wanted["cron"], timezone=zone)
    return [Asset(asset(one)) for one in wanted["after"]]


def _arguments(owner: str, options: dict[str, Any]) -> dict[str, Any]:
    arguments: dict[str, Any] = {
        "owner": owner or "airflow",
        "retries": options["retries"],
        "retry_delay": timedelta(seconds=options["retry_delay"]),
        "retry_exponential_backoff": BACKOFF,
        "max_retry_delay": max(MAX_RETRY_DELAY, timedelta(seconds=options["retry_delay"])),
        "execution_timeout": timedelta(seconds=options["step_timeout"]),
        "depends_on_past": False,
        "do_xcom_push": True,
        "pool": options["pool"] or "default_pool",
    }
    if options["queue"]:
        arguments["queue"] = options["queue"]
    return arguments


@lru_cache(maxsize=64)
def _zone(name: str) -> pendulum.Timezone:
    return pendulum.timezone(name)

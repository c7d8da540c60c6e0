"""From an entry to a DAG: everything explicit, and tasks that start, stop and clear as a run needs it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from dashpipe.compile.manifest import Spec, build
from dashpipe.spec.model import AirflowOptions, Metric, Origin, Schedule, Source, Subject, Target, Time
from dashpipe.spec.toml import Allow

FILE = "/deployed/dags/generate.py"
STEPS = ("transform", "validate", "load", "publish", "cleanup")

SUBJECT = Subject(
    project="acme",
    domain="shop",
    name="daily",
    version=1,
    timezone="Asia/Shanghai",
    start="2024-03-01",
    sources=(Source("orders", "orders", Time("paid_at")), Source("refunds", "refunds", Time("at"))),
    metrics=(Metric("orders", "count", "orders"),),
    target=Target("dash_daily"),
    schedule=Schedule("15 3 * * *"),
    owner="shop-team",
    description="Orders.\nMore of it.",
    tags=("money",),
    origin=Origin("metrics/daily.yml"),
)


def entry_of(subject: Subject) -> dict[str, Any]:
    spec = Spec(
        file=subject.origin.file,
        inputs=(),
        dag_id=subject.id,
        name=subject.name,
        sources=tuple(one.name for one in subject.sources),
        on_broken="last_good",
        owner=subject.owner,
        subject=subject,
    )
    return build([spec], [], {}, {}, Allow()).entries[subject.id]


def dag_of(subject: Subject) -> Any:
    from dashpipe.airflow.factory import build as make

    dag = make(entry_of(subject), FILE)
    dag.validate()
    dag.check_cycle()
    return dag


def serialized(dag: Any) -> Any:
    """The DAG as the scheduler and the API see it."""
    from airflow.serialization.serialized_objects import DagSerialization

    return DagSerialization.from_dict(DagSerialization.to_dict(dag))


def test_every_setting_is_explicit() -> None:
    """No default of an Airflow version decides about a DAG or its tasks."""
    dag = dag_of(SUBJECT)
    assert dag.dag_id == "acme_shop_daily_v1"
    assert dag.fileloc == FILE
    assert dag.start_date.isoformat() == "2024-02-29T16:00:00+00:00"
    assert dag.timezone.name == "Asia/Shanghai"
    assert dag.catchup is False
    assert dag.is_paused_upon_creation is False
    assert dag.max_active_runs == 16
    assert dag.dagrun_timeout == timedelta(hours=6)
    assert dag.tags == {"acme", "dashpipe", "money", "shop"}
    assert dag.description == "Orders."
    for task in dag.tasks:
        assert task.owner == "shop-team"
        assert (task.retries, task.retry_delay) == (3, timedelta(minutes=1))
        assert task.retry_exponential_backoff == 2
        assert task.max_retry_delay == timedelta(hours=1)
        assert task.execution_timeout == timedelta(hours=1)
        assert task.pool == "default_pool"
        assert task.template_fields == ()


def test_options_reach_the_tasks() -> None:
    """Pool, queue, retries and time limits are those of the spec."""
    options = AirflowOptions(
        pool="mongo", queue="big", retries=5, retry_delay=7, step_timeout=90, run_timeout=900, paused=True
    )
    dag = dag_of(replace(SUBJECT, airflow=options))
    assert dag.is_paused_upon_creation is True
    assert dag.dagrun_timeout == timedelta(seconds=900)
    for task in dag.tasks:
        assert (task.pool, task.queue, task.retries) == ("mongo", "big", 5)
        assert (task.retry_delay, task.execution_timeout) == (timedelta(seconds=7), timedelta(seconds=90))


def test_extracts_run_side_by_side_then_step_after_step() -> None:
    """One extract a source, then the steps one after the other, and cleanup at the end of them."""
    dag = dag_of(SUBJECT)
    downstream = {task.task_id: set(task.downstream_task_ids) for task in dag.tasks}
    assert downstream == {
        "extract_orders": {"transform_daily", "cleanup_daily"},
        "extract_refunds": {"transform_daily", "cleanup_daily"},
        "transform_daily": {"validate_daily"},
        "validate_daily": {"load_daily"},
        "load_daily": {"publish_daily"},
        "publish_daily": {"cleanup_daily"},
        "cleanup_daily": set(),
    }


def test_each_task_knows_its_names_only() -> None:
    """A task carries the subject's id, the step and the source, and nothing of the spec."""
    dag = dag_of(SUBJECT)
    found = {task.task_id: (task.subject_id, task.step, task.source) for task in dag.tasks}
    assert found["extract_refunds"] == (SUBJECT.id, "extract", "refunds")
    assert found["load_daily"] == (SUBJECT.id, "load", None)


def test_the_schedule_is_a_timetable_in_the_subjects_zone() -> None:
    """A day ends where the subject's zone says, with intervals from tick to tick on every version."""
    import pendulum
    from airflow.timetables.base import TimeRestriction

    table = serialized(dag_of(SUBJECT)).timetable
    assert type(table).__name__ == "CronDataIntervalTimetable"
    start = pendulum.datetime(2024, 3, 1, tz="Asia/Shanghai")
    first = table.next_dagrun_info(
        last_automated_data_interval=None,
        restriction=TimeRestriction(earliest=start, latest=None, catchup=True),
    )
    assert first.data_interval.start == pendulum.datetime(2024, 3, 1, 3, 15, tz="Asia/Shanghai")
    assert first.data_interval.end == pendulum.datetime(2024, 3, 2, 3, 15, tz="Asia/Shanghai")


def test_no_schedule_is_none() -> None:
    """``schedule: none`` runs when asked to."""
    dag = dag_of(replace(SUBJECT, schedule=None))
    assert dag.schedule is None
    assert serialized(dag).timetable.can_be_scheduled is False


def test_after_waits_for_the_assets_of_the_upstream_subjects() -> None:
    """``after`` is the asset of every current major of the named subjects; publish updates its own."""
    first = replace(SUBJECT, name="first", origin=Origin("metrics/first.yml"))
    subjects = [first, replace(first, version=2, origin=Origin("metrics/first_v2.yml"))]
    subjects.append(replace(SUBJECT, schedule=Schedule(after=("acme_shop_first",))))
    specs = [
        Spec(one.origin.file, (), one.id, one.name, ("orders",), "last_good", "", one) for one in subjects
    ]
    from dashpipe.airflow.factory import build as make

    dag = make(build(specs, [], {}, {}, Allow()).entries[SUBJECT.id], FILE)
    wanted = ["dashpipe:acme_shop_first_v1", "dashpipe:acme_shop_first_v2"]
    assert type(dag.timetable.asset_condition).__name__ == "AssetAll"
    assert [asset.uri for asset in dag.timetable.asset_condition.objects] == wanted
    outlets = {task.task_id: [one.uri for one in task.outlets] for task in dag.tasks}
    assert outlets.pop("publish_daily") == ["dashpipe:acme_shop_daily_v1"]
    assert not any(outlets.values())


def test_cleanup_runs_whatever_happened() -> None:
    """Cleanup is a teardown that runs also where every extract failed, and never decides the run's state."""
    task = dag_of(SUBJECT).get_task("cleanup_daily")
    assert task.is_teardown
    assert task.trigger_rule == "all_done"
    assert task.on_failure_fail_dagrun is False


@pytest.mark.parametrize("task", ["extract_orders", *(f"{step}_daily" for step in STEPS[:-1])])
def test_clearing_a_task_alone_clears_its_cleanup(task: str) -> None:
    """Clearing one task, without downstream, runs cleanup again too: what the task takes is given back."""
    cleared = serialized(dag_of(SUBJECT)).partial_subset(
        task_ids=[task], include_downstream=False, include_upstream=False
    )
    assert "cleanup_daily" in cleared.task_dict
    wanted = {task, "cleanup_daily"} | (
        set() if task == "extract_orders" else {"extract_orders", "extract_refunds"}
    )
    assert set(cleared.task_dict) == wanted


@pytest.mark.parametrize("step", range(4))
def test_clearing_a_task_with_its_downstream_clears_all_that_follows(step: int) -> None:
    """With downstream, every later step, the extracts and the cleanup are cleared with it."""
    cleared = serialized(dag_of(SUBJECT)).partial_subset(
        task_ids=[f"{STEPS[step]}_daily"], include_downstream=True, include_upstream=False
    )
    later = {f"{one}_daily" for one in STEPS[step:]}
    assert set(cleared.task_dict) == later | {"extract_orders", "extract_refunds"}

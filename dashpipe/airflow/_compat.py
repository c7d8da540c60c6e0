"""What differs between Airflow's versions, all of it: 3.3 for now."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from airflow.exceptions import AirflowConfigException
from airflow.sdk import (
    DAG,
    Asset,
    BaseOperator,
    CronDataIntervalTimetable,
    TriggerRule,
    get_parsing_context,
)
from airflow.sdk.exceptions import (
    AirflowFailException,
    AirflowNotFoundException,
    AirflowRescheduleException,
)

if TYPE_CHECKING:
    from airflow.sdk import Context

__all__ = [
    "BACKOFF",
    "DAG",
    "AirflowConfigException",
    "AirflowFailException",
    "AirflowNotFoundException",
    "Asset",
    "BaseOperator",
    "Context",
    "CronDataIntervalTimetable",
    "TriggerRule",
    "apply_policies",
    "get_parsing_context",
    "has_policies",
    "is_skipped",
    "reschedule",
    "run_kind",
]

#: What each pause between tries is multiplied with.
BACKOFF = 2.0

#: The types of a run, in the words of ``dashpipe.run.Request``.
_KINDS = {
    "scheduled": "scheduled",
    "backfill": "backfill",
    "asset_triggered": "asset",
    "asset_materialization": "manual",
    "operator_triggered": "manual",
    "manual": "manual",
}


def run_kind(run_type: object) -> str:
    """What started a run: ``scheduled``, ``backfill``, ``asset`` or ``manual``."""
    return _KINDS.get(str(getattr(run_type, "value", run_type)), "manual")


def has_policies() -> bool:
    """Whether this Airflow has cluster policies that look at DAGs or tasks."""
    from airflow import settings

    hook = settings.get_policy_plugin_manager().hook
    return bool(hook.dag_policy.get_hookimpls() or hook.task_policy.get_hookimpls())


def apply_policies(dag: DAG) -> None:
    """Do to a DAG what Airflow does when it takes it in; raises what a policy raises."""
    from airflow import settings

    settings.dag_policy(dag)  # type: ignore[no-untyped-call]  # Airflow leaves it untyped
    for task in dag.tasks:
        settings.task_policy(task)  # type: ignore[no-untyped-call]  # Airflow leaves it untyped


def reschedule(at: datetime) -> Exception:
    """What a task raises to be run again later without spending a try."""
    return AirflowRescheduleException(at)  # type: ignore[no-untyped-call]  # Airflow leaves it untyped


def is_skipped(error: Exception) -> bool:
    """Whether a policy asks to leave a DAG out without a word."""
    from airflow.exceptions import AirflowClusterPolicySkipDag

    return isinstance(error, AirflowClusterPolicySkipDag)

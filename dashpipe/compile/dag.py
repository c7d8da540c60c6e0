"""What Airflow needs to know of a subject, as plain values: schedule, tasks, options."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dashpipe.spec.model import AirflowOptions, Subject

#: The steps behind extract, in order; cleanup is the teardown.
STEPS = ("transform", "validate", "load", "publish", "cleanup")

_TAG = 100  # characters that Airflow stores of a tag


def asset(subject_id: str) -> str:
    """The Airflow asset that a subject's publishing updates."""
    return f"dashpipe:{subject_id}"


def tasks(name: str, sources: Iterable[str]) -> list[dict[str, str]]:
    """The tasks of a subject: one extract a source, then one a step.

    Args:
        name: The subject's name, without project, domain and version.
        sources: The names of its sources.
    """
    extracts = [{"id": f"extract_{source}", "step": "extract", "source": source} for source in sources]
    return extracts + [{"id": f"{step}_{name}", "step": step} for step in STEPS]


def schedule(subject: Subject, upstream: Sequence[str]) -> dict[str, Any] | None:
    """When a subject runs: five cron fields, the ids of the subjects that it follows, or never by itself.

    Args:
        subject: The subject.
        upstream: The ids of every current major of the subjects in ``after``, sorted.
    """
    from dashpipe.lint.cron import (
        PRESETS,
    )  # the package that it lies in is large; who parses needs `asset` only

    wanted = subject.schedule
    if wanted is None:
        return None
    if wanted.cron is not None:
        return {"cron": PRESETS.get(wanted.cron, wanted.cron)}
    return {"after": list(upstream)} if upstream else None


def options(airflow: AirflowOptions) -> dict[str, Any]:
    """What is set on the DAG and each of its tasks; times in seconds."""
    return {
        "pool": airflow.pool,
        "queue": airflow.queue,
        "retries": airflow.retries,
        "retry_delay": airflow.retry_delay,
        "step_timeout": airflow.step_timeout,
        "run_timeout": airflow.run_timeout,
        "paused": airflow.paused,
    }


def describe(subject: Subject, upstream: Sequence[str]) -> dict[str, Any]:
    """A subject's DAG as plain values; the manifest adds the documentation and the mark of a broken spec."""
    return {
        "schedule": schedule(subject, upstream),
        "timezone": subject.timezone,
        "start_date": subject.start,
        "owner": subject.owner,
        "description": subject.description.split("\n")[0],
        "tags": tags(subject.project, subject.domain, *subject.tags),
        "tasks": tasks(subject.name, [one.name for one in subject.sources]),
        "options": options(subject.airflow),
    }


def tags(*names: str) -> list[str]:
    """Tags of a DAG: sorted, each once, none longer than Airflow stores."""
    return sorted({name[:_TAG] for name in ("dashpipe", *names) if name})

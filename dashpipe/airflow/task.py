"""A step inside an Airflow task: Airflow's context becomes a request, what it raises becomes Airflow's."""

from __future__ import annotations

import os
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dashpipe.airflow import _compat
from dashpipe.airflow.current import one, root
from dashpipe.airflow.request import request

if TYPE_CHECKING:
    from dashpipe.airflow._compat import Context
    from dashpipe.compile.entry import Entry

#: How long a task waits before it asks again for a lease that another run holds.
WAIT = timedelta(seconds=15)


def run(subject_id: str, step: str, source: str | None, file: str, context: Context) -> dict[str, Any]:
    """Run a step and return its receipt.

    Args:
        subject_id: The subject's id.
        step: The step.
        source: The source of an extract.
        file: The DAG file; the manifest lies beside it.
        context: Airflow's context of the task.

    Raises:
        AirflowFailException: Trying again would not help: says what to do.
        AirflowRescheduleException: Another run of the subject holds the lease.
        RunError: Another try may help.
    """
    entry = one(Path(file).parent, subject_id)
    if entry is None:
        raise _compat.AirflowFailException(
            f"there is no plan of {subject_id} beside {file}; its spec was removed, "
            "or `dashpipe compile` has not run"
        )
    if entry["state"] == "stub" and step != "cleanup":
        raise _compat.AirflowFailException("\n".join(("the spec is broken:", *entry["findings"])))
    if entry["subject"] is None:
        return {"nothing": "the spec never was good, so there is nothing to clean up"}
    return _execute(entry, step, source, file, context)


def _execute(entry: Entry, step: str, source: str | None, file: str, context: Context) -> dict[str, Any]:
    from dashpipe.airflow.connections import HOW, finder, headers
    from dashpipe.run import execute
    from dashpipe.run.base import Setup
    from dashpipe.run.connections import Connections
    from dashpipe.run.errors import LeaseHeld, RunError
    from dashpipe.run.log import to_logging
    from dashpipe.run.settings import batch_size

    connections = Connections(finder(os.environ), how=HOW)
    try:
        asked = request(entry, context)
        setup = Setup(
            connections,
            os.environ,
            tuple(entry["allow_env"]),
            to_logging,
            batch_size(os.environ),
            allow_files=tuple(entry["allow_files"]),
            allow_hosts=tuple(entry["allow_hosts"]),
            headers=headers(os.environ),
            root=root(Path(file).parent),
        )
        receipt = execute(step, asked, setup, source)
    except LeaseHeld as error:
        to_logging("waits for another run", reason=str(error), seconds=WAIT.total_seconds())
        raise _compat.reschedule(datetime.now(tz=timezone.utc) + WAIT) from None
    except RunError as error:
        if error.retry:
            raise
        raise _compat.AirflowFailException(str(error)) from error
    finally:
        connections.close()
    if step == "publish":
        _tell(entry["dag_id"], asked.run_id, receipt, context)
    return receipt


def _tell(dag_id: str, run_id: str, receipt: dict[str, Any], context: Context) -> None:
    """Say on the asset what was published."""
    from dashpipe.compile.dag import asset

    event = context["outlet_events"][_compat.Asset(asset(dag_id))]
    event.extra = {"partitions": receipt.get("partitions", {}), "run": run_id}

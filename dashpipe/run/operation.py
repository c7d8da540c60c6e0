"""What every operation of a run carries: disk for sorting and grouping, a time limit, and whose it is."""

from __future__ import annotations

from typing import Any

from dashpipe.run import encode
from dashpipe.run.base import Run
from dashpipe.run.takeover import LONGEST_WRITE


def options(run: Run, step: str) -> dict[str, Any]:
    """The options of an aggregation that reads, or writes to staging: it may take as long as its step may."""
    return {**short(run, step), "maxTimeMS": run.subject.airflow.step_timeout * 1000}


def counting(run: Run, step: str) -> dict[str, Any]:
    """The options of a count, which takes less of them."""
    taken = options(run, step)
    return {"maxTimeMS": taken["maxTimeMS"], "comment": taken["comment"]}


def short(run: Run, step: str) -> dict[str, Any]:
    """The options of one chunk of a write to a target: whoever takes the lease over waits at most as long."""
    return {
        "allowDiskUse": True,
        "maxTimeMS": LONGEST_WRITE * 1000,
        "comment": encode.comment(run.id, step, run.hash),
    }

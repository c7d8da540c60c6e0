"""What a step works from: the record with every input it needs, or one that is pinned anew."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from dashpipe.run import pin, record, staging
from dashpipe.run.base import Request, Run, Session
from dashpipe.spec.model import Subject

Document = dict[str, Any]

#: The steps whose order matters; extracts come first, side by side.
ORDER = ("extract", "transform", "validate", "load", "publish")

#: How long a lease stands, and an input holds, between two steps, beside the delays of retries.
PATIENCE = timedelta(hours=1)


def task_of(step: str, source: str | None) -> str:
    """The task of a step: the name under which its receipt is kept."""
    return f"extract_{source}" if step == "extract" else step


def earlier(subject: Subject, step: str) -> tuple[str, ...]:
    """The tasks that come before a step."""
    extracts = tuple(task_of("extract", one.name) for one in subject.sources)
    at = ORDER.index(step)
    return (*extracts, *ORDER[1:at]) if at else ()


def standing(request: Request) -> timedelta:
    """How long the lease stands between two steps."""
    return timedelta(seconds=request.again_after) + PATIENCE


def ready(session: Session, step: str, task: str) -> tuple[Run, str]:
    """The run to work from.

    Returns:
        The run, and why its plan was pinned anew; where that is empty, every input of the step is there.
    """
    while True:
        before = record.find(session)
        run = None
        if before is not None:
            run, why = _usable(session, before, step, task)
            if not why and run is not None:
                return run, ""
        else:
            why = "there is no record of this run" if step != "extract" else ""
        run = pin.pin(session, before)
        if run is not None:
            return run, why


def _usable(session: Session, document: Document, step: str, task: str) -> tuple[Run | None, str]:
    """The run of a record, and why the step cannot go on with it (empty: it can)."""
    if document["state"] == record.CLOSED:
        return None, "the run was over"
    if document["tenure"] != session.lease.tenure:
        return None, "another run of the subject came between"
    receipts = document["receipts"]
    if task in receipts:
        return None, "the task was done already"
    try:
        run = record.decode(document)
    except ValueError:
        return None, "another version of dashpipe wrote the record"
    if step == "extract" and task not in earlier(run.subject, "publish"):
        return None, "the spec has another source now"
    needed = earlier(run.subject, step)
    lacking = [one for one in needed if one not in receipts]
    if lacking:
        return None, f"{lacking[0]} is not done"
    if needed:
        last = max(receipts[one]["at"] for one in needed)
        if session.lease.entered - last > standing(session.request):
            return None, "the steps before are too long ago"
    if step in ("validate", "load") and not staging.exist(session, staged(receipts["transform"])):
        return None, "what transform staged is gone"
    return run, ""


def staged(transform: Document) -> list[str]:
    """The staging collections that a receipt of transform names."""
    values = transform["values"].get("staging")
    return [*transform["staging"].values(), *([values] if values else [])]

"""A whole run, step after step, as ``dashpipe run`` does it."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

from dashpipe.run import steps
from dashpipe.run.base import Request, Setup
from dashpipe.run.errors import LeaseHeld, RunError
from dashpipe.run.steps.ready import earlier

Document = dict[str, Any]

#: Seconds between two looks at a lease that another run holds: the first, and the longest.
_SOON, _LATE = 0.2, 5.0


def run_all(
    request: Request,
    setup: Setup,
    *,
    wait: bool = True,
    tries: int = 3,
    pause: timedelta = timedelta(seconds=5),
) -> Document:
    """Do every step of a run, one after another, and clean up whatever the outcome is.

    Args:
        request: What asks for the run.
        setup: Where it happens.
        wait: Wait while another run holds the lease; else that is an error.
        tries: How often a step is tried whose error another try may mend.
        pause: How long to wait before the second try; twice as long before each further one.

    Returns:
        ``{"subject", "run", "window", "steps": {task: receipt}}``.

    Raises:
        RunError: See ``execute``.
    """
    done: dict[str, Document] = {}
    try:
        for task in (*earlier(request.subject, "publish"), "publish"):
            step, _, source = task.partition("_")
            done[task] = _persist(step, source or None, request, setup, wait, tries, pause)
    except BaseException:
        try:
            steps.execute("cleanup", request, setup)
        except RunError as error:  # what stopped the run is what must be told
            setup.log("failed", task="cleanup", run=request.run_id, error=error.message)
        raise
    done["cleanup"] = steps.execute("cleanup", request, setup)
    window = done["publish"]["window"]
    return {"subject": request.subject.id, "run": request.run_id, "window": window, "steps": done}


def _persist(
    step: str,
    source: str | None,
    request: Request,
    setup: Setup,
    wait: bool,
    tries: int,
    pause: timedelta,
) -> Document:
    """One step, again while another run holds the lease, and after errors that may pass."""
    look, waiting_for, attempt = _SOON, "", 1
    while True:
        try:
            return steps.execute(step, request, setup, source)
        except LeaseHeld as held:
            if not wait:
                raise
            if held.holder != waiting_for:
                waiting_for = held.holder
                setup.log("waiting", run=request.run_id, holder=held.holder, until=held.until)
            time.sleep(look)
            look = min(look * 1.5, _LATE)
        except RunError as error:
            if not error.retry or attempt >= tries:
                raise
            seconds = pause.total_seconds() * 2 ** (attempt - 1)
            setup.log("again", run=request.run_id, attempt=attempt + 1, of=tries, after_seconds=seconds)
            time.sleep(seconds)
            attempt += 1

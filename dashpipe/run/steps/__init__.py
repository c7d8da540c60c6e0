"""The steps of a run, for Airflow's tasks and for ``dashpipe run`` alike."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from pymongo.errors import PyMongoError

from dashpipe.compile import CompileError
from dashpipe.run import lease, receipts, record, state
from dashpipe.run.base import Request, Run, Session, Setup
from dashpipe.run.errors import CheckFailed, Refused, RunError, translating
from dashpipe.run.steps.cleanup import cleanup
from dashpipe.run.steps.extract import extract
from dashpipe.run.steps.load import load
from dashpipe.run.steps.publish import publish
from dashpipe.run.steps.ready import earlier, ready, standing, task_of
from dashpipe.run.steps.transform import transform
from dashpipe.run.steps.validate import validate

Document = dict[str, Any]

#: What a step does, extract aside, which also takes its source.
_DO: dict[str, Callable[[Run, Session], Document]] = {
    "transform": transform,
    "validate": validate,
    "load": load,
    "publish": publish,
}

_UNTOUCHED = "the target is untouched until load runs"


def execute(step: str, request: Request, setup: Setup, source: str | None = None) -> Document:
    """Do one step of a run.

    It works from the run record, not from what its caller believes was done: where an input is gone or was
    overtaken it pins the deployed plan anew and does the earlier steps first.

    Args:
        step: ``extract`` (of a source), ``transform``, ``validate``, ``load``, ``publish`` or ``cleanup``.
        request: What asks for the run.
        setup: Where it happens.
        source: The source that ``extract`` asks.

    Returns:
        The step's receipt, as JSON takes it.

    Raises:
        LeaseHeld: Another run of the subject is at work.
        LeaseLost: Another run took the lease; this one changed nothing after that.
        CheckFailed: A check with ``fail`` did.
        Refused: It cannot be done as it stands.
        RunError: It did not work out; ``retry`` tells whether another try may help.
    """
    task, began = task_of(step, source), time.monotonic()
    if step != "cleanup" and task not in (*earlier(request.subject, "publish"), "publish"):
        raise Refused(
            f"{request.subject.id} has no task {task}", "name a step, and for extract one of its sources"
        )
    with translating(f"{task} of {request.subject.id}"):
        if step == "cleanup":
            receipt = cleanup(request, setup)
        else:
            with _entered(step, task, request, setup) as (session, done):
                receipt, run = _perform(step, task, session)
                done.append(run)
    seconds = round(time.monotonic() - began, 3)
    setup.log("done", task=task, run=request.run_id, seconds=seconds)
    plain: Document = receipts.plain({"task": task, "run": request.run_id, **receipt, "seconds": seconds})
    return plain


def _perform(step: str, task: str, session: Session) -> tuple[Document, Run]:
    """Do the earlier steps where they are not done, then the step itself."""
    log, request = session.setup.log, session.request
    run, why = ready(session, step, task)
    redone = earlier(run.subject, step) if why else ()
    if why:
        log("pinned anew", task=task, why=why, first=redone)
    for one in redone:
        _, run = _do(one, run, session)
    receipt, after = _do(task, run, session)
    about: Document = {"generation": run.generation, "window": receipts.window(run)}
    if step == "extract":
        about["partitions"] = receipts.partitions(run)
    if why:
        about |= {"redone": redone, "why": why}
    if run.reopened and step in ("extract", "transform", "validate"):
        log("note", task=task, run=request.run_id, text=_UNTOUCHED)
        about["note"] = _UNTOUCHED
    return {**receipt, **about}, after


def _do(task: str, run: Run, session: Session) -> tuple[Document, Run]:
    """Do one task, keep its receipt, and take the run as it is then."""
    step, _, source = task.partition("_")
    session.setup.log("begin", task=task, run=run.id, fence=session.lease.fence, spec=run.hash[:8])
    receipt = extract(run, session, source) if step == "extract" else _DO[step](run, session)
    after = record.update(session, run, record.receipt_of(session, run, task, receipt))
    return receipt, record.decode(after)


@contextmanager
def _entered(step: str, task: str, request: Request, setup: Setup) -> Iterator[tuple[Session, list[Run]]]:
    """The lease for one attempt of a step: entered, and left or given up at its end.

    The list takes the run as the step left it; it stays empty where the step failed.
    """
    database = setup.connections.database(request.subject.target.connection)
    held = lease.enter(
        database, request.subject.id, request.run_id, task, fenced=step != "extract", log=setup.log
    )
    session = Session(setup=setup, request=request, lease=held)
    done: list[Run] = []
    try:
        try:
            yield session, done
        except CompileError as error:
            raise Refused(str(error)) from error
    except RunError as error:
        _remember(session, task, error)
        raise
    except PyMongoError as error:
        setup.log("failed", task=task, run=request.run_id, error=type(error).__name__)
        raise
    finally:
        _leave(session, done)


def _remember(session: Session, task: str, error: RunError) -> None:
    """Keep the trace of a refusal, and of failed checks: their staging is kept to be looked at."""
    log, request = session.setup.log, session.request
    log("failed", task=task, run=request.run_id, error=error.message, retry=error.retry)
    if error.retry or not isinstance(error, (Refused, CheckFailed)):
        return
    trace: Document = {"event": "refusal", "subject": request.subject.id, "run_id": request.run_id}
    trace["fence"] = session.lease.fence
    with suppress(PyMongoError):
        target = session.target
        if target[state.AUDIT].find_one(trace, {"_id": 1}) is None:  # the step may have told more
            about = {"task": task, "reason": error.message, "at": lease.server_time(target)}
            target[state.AUDIT].insert_one({**trace, **about})
        if isinstance(error, CheckFailed):
            failed = sorted({str(one["check"]) for one in error.results})
            target[state.RUNS].update_one({"_id": request.run_id}, {"$set": {"failed_checks": failed}})


def _leave(session: Session, done: list[Run]) -> None:
    """Let the lease stand for the next step; give it up where no step is sure to follow."""
    with suppress(PyMongoError):
        if done:
            over = done[0].reopened  # it is open: a closed record takes no receipt
        else:
            document = record.find(session)
            over = document is None or document["state"] == record.CLOSED or document["reopened"]
        if over:
            session.lease.release()
            return
        session.lease.leave(standing(session.request))

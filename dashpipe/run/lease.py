"""The lease of a subject and its fence: one run of a subject writes at a time, and none after its turn.

Both stand on one document a subject version in ``dashpipe_targets``. The holder is the run, shared by its
tasks. Each attempt of a step takes the next fence number, and every write checks it in the database. Another
*holder* also raises the tenure: inputs that a run made in an earlier tenure may have been overtaken.
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from pymongo import ReturnDocument
from pymongo.errors import DuplicateKeyError

from dashpipe.run import state
from dashpipe.run.errors import LeaseHeld
from dashpipe.run.held import LEASE, Held, server_time
from dashpipe.run.takeover import end_previous

if TYPE_CHECKING:
    from pymongo.database import Database

    from dashpipe.run.log import Log

Document = dict[str, Any]

__all__ = ["Held", "enter", "server_time"]


def enter(
    database: Database[Document], subject_id: str, run_id: str, step: str, *, fenced: bool, log: Log
) -> Held:
    """Take or renew the lease for a run's step.

    Args:
        database: The target database.
        subject_id: The subject whose lease it is.
        run_id: The run, which holds it for all its tasks.
        step: The step that enters, for whoever meets the lease.
        fenced: Whether the step writes, and so takes the next fence; extracts do not.
        log: Told of a takeover.

    Raises:
        LeaseHeld: Another run holds it.
    """
    targets = database[state.TARGETS]
    while True:
        now = server_time(database)
        taken = {"holder": run_id, "last": run_id, "step": step, "until": now + LEASE}
        free = [{"holder": None}, {"until": {"$lt": now}}]
        mine = targets.find_one_and_update(
            {"_id": subject_id, "last": run_id, "$or": [{"holder": run_id}, *free]},
            {"$set": taken, "$inc": {"fence": int(fenced)}},
            return_document=ReturnDocument.AFTER,
        )
        if mine is not None:
            return _entered(database, Held(database, mine), run_id, log)
        before = targets.find_one_and_update(
            {"_id": subject_id, "last": {"$ne": run_id}, "$or": free},
            {"$set": taken, "$inc": {"fence": 1, "tenure": 1}},
            return_document=ReturnDocument.BEFORE,
        )
        if before is not None:
            after = {
                **before,
                **taken,
                "fence": before.get("fence", 0) + 1,
                "tenure": before.get("tenure", 0) + 1,
            }
            held = Held(database, after, previous=before.get("holder"))
            return _entered(database, held, held.previous or before.get("last") or run_id, log)
        other = targets.find_one({"_id": subject_id})
        if other is None:
            _first(database, subject_id)
        elif other.get("holder") not in (None, run_id) and other["until"] >= now:
            raise LeaseHeld(subject_id, other["holder"], other.get("step", "?"), other["until"])


def _entered(database: Database[Document], held: Held, before: str, log: Log) -> Held:
    """End what the run ``before`` left behind, where it did not leave by itself."""
    if held.previous is None and held.writer is None:
        return held
    log("takeover", subject=held.subject_id, run=held.run_id, previous=before, fence=held.fence)
    try:
        end_previous(database, held, before)
    except BaseException:
        held.leave(timedelta(0))
        raise
    return held


def _first(database: Database[Document], subject_id: str) -> None:
    """Write a subject's document: nobody holds the lease yet."""
    blank = {"kind": "subject", "fence": 0, "tenure": 0, "holder": None, "last": None, "step": None}
    never = datetime(1970, 1, 1, tzinfo=timezone.utc)
    try:
        database[state.TARGETS].insert_one({"_id": subject_id, **blank, "until": never, "watermarks": {}})
    except DuplicateKeyError:
        return

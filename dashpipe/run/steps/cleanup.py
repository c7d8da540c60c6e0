"""Cleanup: close the run record, drop the staging and give up the lease, whatever the outcome was."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dashpipe.run import lease, record, staging, state
from dashpipe.run.base import Request, Session, Setup
from dashpipe.run.errors import LeaseHeld
from dashpipe.run.guarded import guarded

if TYPE_CHECKING:
    from pymongo.client_session import ClientSession

Document = dict[str, Any]


def cleanup(request: Request, setup: Setup) -> Document:
    """Close, drop, release. The staging of a run whose checks failed is kept for a while.

    Where another run holds the lease there is nothing to clean: who takes a lease over drops what it finds.
    """
    database = setup.connections.database(request.subject.target.connection)
    try:
        held = lease.enter(
            database, request.subject.id, request.run_id, "cleanup", fenced=True, log=setup.log
        )
    except LeaseHeld as other:
        setup.log("cleanup", lease=f"held by {other.holder}")
        return {"lease": f"held by {other.holder}", "staging_dropped": 0}
    session = Session(setup=setup, request=request, lease=held)
    try:
        kept = _close(session)
        dropped = 0 if kept else staging.drop(session)
    finally:
        held.release()
    setup.log("cleanup", lease="released", staging_dropped=dropped, staging_kept_until=kept)
    return {"lease": "released", "staging_dropped": dropped, "staging_kept_until": kept}


def _close(session: Session) -> Any:
    """Close the record; say until when the staging is kept, ``None`` where it is not."""
    document = record.find(session)
    if document is None:
        return None
    now = lease.server_time(session.target)
    until = now + staging.KEEP_FAILED if document["failed_checks"] else None
    change: Document = {"$set": {"state": record.CLOSED, "reopened": False, "updated_at": now}}
    change["$set"] |= {} if until is None else {"staging_until": until}

    def work(client: ClientSession | None) -> None:
        session.target[state.RUNS].update_one({"_id": document["_id"]}, change, session=client)

    guarded(session, work)
    return until

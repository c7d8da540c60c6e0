"""Removing the rows whose keys vanished: exactly those that were listed before the first write."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dashpipe.run import state
from dashpipe.run.base import Run, Session
from dashpipe.run.guarded import guarded
from dashpipe.run.load.compare import Comparison
from dashpipe.run.transform.parts import batches
from dashpipe.spec.model import Grain

if TYPE_CHECKING:
    from pymongo.client_session import ClientSession

Document = dict[str, Any]


def remove(run: Run, session: Session, grain: Grain, one: Comparison) -> int:
    """Remove the listed rows in transactions that first touch the lease, and leave a trace.

    Returns:
        How many rows were removed.

    Raises:
        LeaseLost: Another run took the lease.
    """
    if one.listed is None:
        return 0
    target, fence, removed = session.collection(run.targets[grain]), session.lease.fence, 0
    for batch in batches(session.target[one.listed].find({}, {"_id": 1}), session.setup.batch_size):
        ids = [each["_id"] for each in batch]

        def work(client: ClientSession | None, ids: list[Any] = ids) -> int:
            older = {"_id": {"$in": ids}, "_meta.fence": {"$lte": fence}}
            return target.delete_many(older, session=client).deleted_count

        removed += guarded(session, work)
    about = {"grain": grain.value, "collection": target.name, "rows": removed, "stored": one.stored}
    audit(run, session, "removal", **about, allowed=run.allow_removal)
    session.target.drop_collection(one.listed)
    return removed


def audit(run: Run, session: Session, event: str, **fields: Any) -> None:
    """Add a trace of what a run did, or was refused, to the audit."""
    from dashpipe.run.lease import server_time

    entry = {
        "event": event,
        "subject": run.subject.id,
        "run_id": run.id,
        "fence": session.lease.fence,
        "at": server_time(session.target),
        **fields,
    }

    def work(client: ClientSession | None) -> None:
        session.target[state.AUDIT].insert_one({**entry}, session=client)

    guarded(session, work)

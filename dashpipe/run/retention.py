"""Pruning: rows of partitions that ended longer ago than ``target.retention_days`` are removed by publish.

No partition goes of which a coarser one is still to be written: it may yet be merged from its states.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from dashpipe.compile import partition, periods
from dashpipe.run import lease, ledger, state
from dashpipe.run.base import Run, Session
from dashpipe.run.guarded import guarded
from dashpipe.run.load import beside
from dashpipe.run.places import of_values
from dashpipe.run.transform.parts import batches
from dashpipe.spec import nesting
from dashpipe.spec.model import Grain

if TYPE_CHECKING:
    from pymongo.client_session import ClientSession

Document = dict[str, Any]


def prune(run: Run, session: Session) -> dict[str, int]:
    """Remove what is older than the subject keeps.

    Returns:
        The rows that were removed, a grain; empty where everything is kept.

    Raises:
        LeaseLost: Another run took the lease.
    """
    days = run.subject.target.retention_days
    if days is None:
        return {}
    oldest = partition.local_date(run.as_of, run.subject.timezone) - timedelta(days=days)
    return {
        grain.value: _prune(run, session, grain, _first_kept(run, session, grain, oldest))
        for grain in run.plan.grains
    }


def _first_kept(run: Run, session: Session, grain: Grain, oldest: date) -> date:
    """The local day from which on a grain's partitions are kept."""
    subject = run.subject
    whole = grain is not Grain.HOUR and periods.covers(grain, oldest, subject.calendar)
    kept = periods.first_day(grain, oldest, subject.calendar) if whole else oldest
    for coarser in subject.grains:
        if grain not in nesting.NESTS[coarser] or not periods.covers(coarser, oldest, subject.calendar):
            continue
        around = periods.first_day(coarser, oldest, subject.calendar)
        label = around.isoformat()
        row = ledger.published(session.target, subject.id, coarser, [label]).get(label)
        if row is None or not row["complete"]:
            kept = min(kept, around)
    return kept


def _prune(run: Run, session: Session, grain: Grain, kept: date) -> int:
    """Say in the ledger that the partitions before a local day are pruned, then remove their rows.

    In this order: what the ledger calls published is there, whole, wherever a run is killed, since others
    merge from it. Rows that are left go with the next publish.
    """
    gone = {
        "subject": run.subject.id,
        "grain": grain.value,
        "state": {"$ne": ledger.PRUNED},
        "end": {"$lte": partition.midnight(kept, run.subject.timezone)},
    }
    change = {"state": ledger.PRUNED, "rows": 0, "reason": ""}
    # What goes on from the rows of before does not from those that were to be computed again.
    open_ = {**gone, "state": {"$in": [ledger.FAILED, ledger.LOADED, ledger.STALE]}}
    raised = {**change, "fence": session.lease.fence}

    def mark(client: ClientSession | None) -> None:
        session.target[state.PARTITIONS].update_many(open_, {"$set": raised}, session=client)
        session.target[state.PARTITIONS].update_many(gone, {"$set": change}, session=client)

    guarded(session, mark)
    older: Document = {"partition_date": {"$lt": kept.isoformat()}, "_meta.run_id": {"$exists": True}}
    target, removed = session.collection(run.targets[grain]), 0
    for batch in batches(target.find(older, {"_id": 1}), session.setup.batch_size):
        ids = [one["_id"] for one in batch]

        def work(client: ClientSession | None, ids: list[Any] = ids) -> int:
            return target.delete_many({"_id": {"$in": ids}}, session=client).deleted_count

        removed += guarded(session, work)
    place = of_values(run.plan, run.targets)
    if place is not None and grain is run.plan.grains[0]:
        beside.remove(session, place, {"partition_date": {"$lt": kept.isoformat()}})
    if removed:
        trace: Document = {"event": "retention", "subject": run.subject.id, "run_id": run.id}
        trace |= {"fence": session.lease.fence, "grain": grain.value, "collection": target.name}
        trace |= {"rows": removed, "before": kept.isoformat(), "at": lease.server_time(session.target)}

        def tell(client: ClientSession | None) -> None:
            session.target[state.AUDIT].insert_one(dict(trace), session=client)

        guarded(session, tell)
        session.setup.log("pruned", run=run.id, grain=grain.value, rows=removed, before=kept)
    return removed

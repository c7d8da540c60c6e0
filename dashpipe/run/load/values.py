"""Kept values: written beside the rows of the finest grain, under the same fence.

A partition whose values are half written is not published, so no coarser grain is counted from it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dashpipe.compile import emit
from dashpipe.compile.advice import Index
from dashpipe.run import indexes, operation
from dashpipe.run.base import Place, Run, Session
from dashpipe.run.errors import RunError
from dashpipe.run.guarded import guarded
from dashpipe.run.load import row, write
from dashpipe.run.places import of_values
from dashpipe.run.transform.parts import batches

if TYPE_CHECKING:
    from pymongo.client_session import ClientSession

Document = dict[str, Any]

#: What every reading and every removal of kept values asks for.
_BY_PARTITION = Index((("partition_date", 1), ("leaf", 1)), "every run reads and replaces whole partitions")


def load(run: Run, session: Session, *, merges: bool) -> Document:
    """Write the kept values of a run's partitions, and remove those that vanished.

    Args:
        run: The run.
        session: Its session.
        merges: Whether the server has guarded merges.

    Returns:
        How many were written and removed; empty where no values are kept.

    Raises:
        LeaseLost: Another run took the lease.
        RunError: Not every value arrived.
    """
    place, fence = of_values(run.plan, run.targets), session.lease.fence
    if place is None:
        return {}
    receipt = run.receipts["transform"]["values"]
    indexes.ensure(session.collection(place), [_BY_PARTITION])
    kept = {"$cond": [{"$gt": ["$_meta.fence", fence]}, "$$ROOT", "$$new"]}
    stamps = {"_meta": row.meta(run, fence)}
    if merges:
        write.merge_into(run, session, receipt["staging"], place.collection, kept, stamps)
    else:
        write.send_to(session, receipt["staging"], place.collection, kept, stamps)
    ours = {**_mine(run), "_meta.fence": fence}
    arrived = session.collection(place).count_documents(ours, **_limits(run))
    if arrived != receipt["kept"]:
        session.lease.confirm()
        said = f"{arrived} of {receipt['kept']} values arrived in {place.collection}"
        raise RunError(said, "run again", retry=True)
    removed = remove(session, place, {**_mine(run), "_meta.fence": {"$lt": fence}})
    return {"kept": arrived, "removed": removed}


def strays(run: Run, session: Session, loaded: int) -> int:
    """Remove values of the run's partitions that its load did not write; say how many there were."""
    place = of_values(run.plan, run.targets)
    return 0 if place is None else remove(session, place, {**_mine(run), "_meta.fence": {"$ne": loaded}})


def remove(session: Session, place: Place, wanted: Document) -> int:
    """Remove kept values in transactions that first touch the lease; say how many there were.

    Raises:
        LeaseLost: Another run took the lease.
    """
    collection, removed = session.collection(place), 0
    for batch in batches(collection.find(wanted, {"_id": 1}), session.setup.batch_size):
        ids = [one["_id"] for one in batch]

        def work(client: ClientSession | None, ids: list[Any] = ids) -> int:
            both = {**wanted, "_id": {"$in": ids}}
            return collection.delete_many(both, session=client).deleted_count

        removed += guarded(session, work)
    return removed


def _mine(run: Run) -> Document:
    finest = run.plan.grains[0]
    return emit.rows(finest, run.partitions.get(finest, ()))


def _limits(run: Run) -> Document:
    options = operation.options(run, "load")
    return {"maxTimeMS": options["maxTimeMS"], "comment": options["comment"]}

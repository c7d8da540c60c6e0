"""What is kept beside the rows (values, running states): written under the fence, counted, removed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dashpipe.compile.advice import Index
from dashpipe.run import indexes, operation
from dashpipe.run.base import Place, Run, Session
from dashpipe.run.errors import RunError
from dashpipe.run.guarded import guarded
from dashpipe.run.load import row, write
from dashpipe.run.transform.parts import batches

if TYPE_CHECKING:
    from pymongo.client_session import ClientSession

Document = dict[str, Any]


def put(
    run: Run, session: Session, staged: str, place: Place, index: Index, kept: Any, *, merges: bool
) -> None:
    """Write a staging collection into the one that is kept.

    Args:
        run: The run.
        session: Its session.
        staged: The staging collection.
        place: Where its documents are kept.
        index: The index that this collection needs.
        kept: The document to keep, from ``$$new`` and the stored one.
        merges: Whether the server has guarded merges.

    Raises:
        LeaseLost: Another run took the lease.
    """
    indexes.ensure(session.collection(place), [index])
    stamps = {"_meta": row.meta(run, session.lease.fence)}
    if merges:
        write.merge_into(run, session, staged, place.collection, kept, stamps)
    else:
        write.send_to(session, staged, place.collection, kept, stamps)


def arrived(run: Run, session: Session, place: Place, wanted: Document, n: int, what: str) -> None:
    """See to it that as many documents pass a filter as were to be written.

    Raises:
        LeaseLost: Another run took the lease.
        RunError: Not every document arrived.
    """
    found = session.collection(place).count_documents(wanted, **operation.counting(run, "load"))
    if found != n:
        session.lease.confirm()
        raise RunError(f"{found} of {n} {what} arrived in {place.collection}", "run again", retry=True)


def remove(session: Session, place: Place, wanted: Document) -> int:
    """Remove what passes a filter, in transactions that first touch the lease; say how many there were.

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

"""The guarded write of a grain's rows: chunk by chunk, each checked for the fence by the write itself."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

from dashpipe.compile import emit
from dashpipe.run import encode, operation
from dashpipe.run.base import Run, Session
from dashpipe.run.errors import RunError
from dashpipe.run.guarded import guarded
from dashpipe.run.load import row
from dashpipe.run.transform.parts import batches
from dashpipe.spec.model import Grain

if TYPE_CHECKING:
    from pymongo.client_session import ClientSession
    from pymongo.collection import Collection

Document = dict[str, Any]

#: Rows a chunk. The slowest engine in use takes 3 ms a row, so a chunk stays far below its 60 s.
CHUNK = 2_000

#: Characters of the ids of a chunk, about; in UTF-8 one is up to four bytes.
LONGEST = 1_000_000


def merge(run: Run, session: Session, grain: Grain, staged: str, at: datetime) -> None:
    """Merge staging into the target inside the server.

    Each chunk passes only while our fence stands.

    Args:
        run: The run.
        session: Its session.
        grain: The grain.
        staged: The grain's staging collection.
        at: The instant that new and changed rows are stamped with.
    """
    fence = session.lease.fence
    kept, stamps = row.kept(run.plan, grain, fence), row.stamps(run, fence, at)
    merge_into(run, session, staged, run.targets[grain].collection, kept, stamps)


def merge_into(
    run: Run, session: Session, staged: str, into: str, kept: Document | str, stamps: Document
) -> None:
    """Merge a staging collection into another inside the server, chunk by chunk, under the fence.

    Args:
        run: The run.
        session: Its session.
        staged: The staging collection.
        into: The collection that is written to.
        kept: The document to keep, from ``$$new`` (with its stamps) and the stored one.
        stamps: What a document has beside what staging holds.
    """
    source = session.target[staged]
    write = {
        "into": into,
        "on": "_id",
        "whenMatched": [{"$replaceWith": kept}],
        "whenNotMatched": "insert",
    }
    stamped = {"$set": {name: {"$literal": one} for name, one in stamps.items()}}
    for bounds in chunks(source, CHUNK):
        session.lease.check()
        stages = [{"$match": bounds}, *session.lease.guard(), stamped, {"$merge": write}]
        source.aggregate(encode.to_bson(stages), **operation.short(run, "load"))


def chunks(collection: Collection[Document], size: int) -> Iterator[Document]:
    """Filters on ``_id`` that cut a collection into parts of at most ``size`` documents.

    They name the ids, since one engine in use reads the whole collection for a range of them.
    """
    for batch in batches(collection.find({}, {"_id": 1}).batch_size(size), size):
        ids = [one["_id"] for one in batch]
        # Keys of long texts: what a command may hold is 16 MB.
        parts = 1 + sum(len(str(one)) for one in ids) // LONGEST
        yield from ({"_id": {"$in": ids[part::parts]}} for part in range(min(parts, len(ids))))


def send(run: Run, session: Session, grain: Grain, staged: str, at: datetime) -> None:
    """Write staging to the target through this process, where the server lacks such merges."""
    fence = session.lease.fence
    kept, stamps = row.kept(run.plan, grain, fence), row.stamps(run, fence, at)
    send_to(session, staged, run.targets[grain].collection, kept, stamps)


def send_to(session: Session, staged: str, into: str, kept: Document | str, stamps: Document) -> None:
    """Write a staging collection to another as ``merge_into`` does, through this process.

    Each batch is one transaction that first touches the lease.
    """
    from pymongo import UpdateOne

    target, kept = session.target[into], encode.to_bson(kept)
    fresh = {"$eq": [{"$type": "$_meta"}, "missing"]}
    for batch in batches(session.target[staged].find({}), session.setup.batch_size):
        writes = [
            UpdateOne(
                {"_id": one["_id"]},
                [
                    {
                        "$replaceWith": {
                            "$let": {
                                "vars": {"new": {"$literal": {**one, **stamps}}},
                                "in": {"$cond": [fresh, "$$new", kept]},
                            }
                        }
                    }
                ],
                upsert=True,
            )
            for one in batch
        ]

        def work(client: ClientSession | None, writes: list[UpdateOne] = writes) -> None:
            target.bulk_write(writes, ordered=False, session=client)

        guarded(session, work)


def count(run: Run, session: Session, grain: Grain, rows: int, at: datetime) -> dict[str, int]:
    """Count what the writes did, by the rows' own stamps.

    Raises:
        LeaseLost: Another run took the lease meanwhile.
        RunError: Not every row arrived.
    """
    created, updated = {"$eq": ["$created_at", at]}, {"$eq": ["$updated_at", at]}
    counted = {
        "_id": None,
        "written": {"$sum": 1},
        "inserted": {"$sum": {"$cond": [created, 1, 0]}},
        "touched": {"$sum": {"$cond": [updated, 1, 0]}},
    }
    ours = {**emit.rows(grain, run.partitions.get(grain, ())), "_meta.fence": session.lease.fence}
    stages = [{"$match": ours}, {"$group": counted}]
    target = session.collection(run.targets[grain])
    found = next(
        iter(target.aggregate(stages, **operation.options(run, "load"))),
        {"written": 0, "inserted": 0, "touched": 0},
    )
    if found["written"] != rows:
        session.lease.confirm()
        raise RunError(f"{found['written']} of {rows} rows arrived in {target.name}", "run again", retry=True)
    inserted = found["inserted"]
    return {
        "inserted": inserted,
        "changed": found["touched"] - inserted,
        "same": rows - found["touched"],
    }

"""How parts and rows move: inside the cluster by the last stage, else through this process in batches."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any

from pymongo import UpdateOne

from dashpipe.compile.emit import Stages
from dashpipe.compile.lowering import lowered
from dashpipe.run import encode, operation, route, united
from dashpipe.run.base import Run, Session
from dashpipe.run.guarded import guarded

if TYPE_CHECKING:
    from pymongo.client_session import ClientSession
    from pymongo.collection import Collection

Document = dict[str, Any]


def replace(run: Run, session: Session, source: Collection[Document], stages: Stages, into: str) -> None:
    """Run a pipeline inside the cluster and let its result be a staging collection."""
    session.lease.check()
    out = {"$out": {"db": session.target.name, "coll": into}}
    united.aggregate(run, session, source, [*lowered(stages, run.lacking), out], "transform")


def merge(run: Run, session: Session, source: Collection[Document], stages: Stages) -> None:
    """Run a pipeline inside the cluster that ends in a merge of its own."""
    session.lease.check()
    united.aggregate(run, session, source, lowered(stages, run.lacking), "transform")


def fetch(run: Run, session: Session, source: str, stages: Stages) -> Iterator[list[Document]]:
    """What a pipeline yields, read over the source's own connection in batches."""
    size = session.setup.batch_size
    reader = route.reader(run, session, source, route.CURSOR)
    with reader.aggregate(
        encode.to_bson(lowered(stages, run.lacking)), batchSize=size, **operation.options(run, "transform")
    ) as cursor:
        yield from batches(cursor, size)


def batches(documents: Iterable[Document], size: int) -> Iterator[list[Document]]:
    """Lists of at most ``size`` documents."""
    rest = iter(documents)
    while batch := list(islice(rest, size)):
        yield batch


def insert(session: Session, into: str, batch: list[Document]) -> None:
    """Insert documents whose ``_id`` no other scan can have written, as long as the lease stands."""

    def work(client: ClientSession | None) -> None:
        session.target[into].insert_many(batch, ordered=False, session=client)

    guarded(session, work)


def join(session: Session, into: str, batch: list[Document]) -> None:
    """Put parts beside those of other scans with the same ``_id``, as long as the lease stands."""
    writes = [
        UpdateOne(
            {"_id": one["_id"]},
            {"$set": {name: value for name, value in one.items() if name != "_id"}},
            upsert=True,
        )
        for one in batch
    ]

    def work(client: ClientSession | None) -> None:
        session.target[into].bulk_write(writes, ordered=False, session=client)

    guarded(session, work)

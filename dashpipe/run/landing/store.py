"""Writing landed documents: in batches, each whole or not at all, and only while the lease stands."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pymongo import DeleteOne, ReplaceOne, UpdateOne

from dashpipe.compile import instant
from dashpipe.run import encode, state
from dashpipe.run.base import Place, Run, Session
from dashpipe.run.errors import RunError
from dashpipe.run.guarded import guarded
from dashpipe.run.landing import book
from dashpipe.run.landing.identity import LANDED, Item

if TYPE_CHECKING:
    from pymongo.client_session import ClientSession

Document = dict[str, Any]


class Store:
    """The collection that a source is landed in.

    ``versions`` are those of all files as they are now: a document of another version of its file is free to
    be taken over by the row of another file. ``again``: a key may come again, and its last row counts.
    """

    def __init__(
        self, run: Run, session: Session, source: str, versions: Mapping[str, str], *, again: bool = False
    ) -> None:
        self._session = session
        self._place: Place = run.sources[source]
        self._collection = session.collection(self._place)
        self._time = run.subject.source(source).time
        self._versions = versions
        self._again = again
        self._written: dict[str, int] = {"inserted": 0, "changed": 0, "same": 0, "removed": 0}

    @property
    def counts(self) -> dict[str, int]:
        """How many documents were inserted, changed, found as they were, and removed."""
        return dict(self._written)

    def write(self, file: str, items: Sequence[Item]) -> None:
        """Write a batch of a file's rows, with the note up to where the file is landed.

        Raises:
            RunError: A key is there twice.
        """
        version = self._versions[file]
        if self._again:
            items = tuple({one.id: one for one in items}.values())
        _distinct(file, items)

        def work(client: ClientSession | None) -> dict[str, int]:
            wanted = {"_id": {"$in": [one.id for one in items]}}
            found = self._collection.find(wanted, {LANDED: 1}, session=client)
            known = {one["_id"]: one[LANDED] for one in found}
            seq = self._turn(client)
            writes: list[ReplaceOne[Document] | UpdateOne] = []
            changed: list[str] = []
            counts = {"inserted": 0, "changed": 0, "same": 0}
            for one in items:
                before = known.get(one.id)
                own = {"file": file, "row": one.number, "version": version}
                if before is not None and not self._again:
                    self._free(one, file, before)
                if before is None or before["hash"] != one.hash:
                    about = {LANDED: {**own, "hash": one.hash, "seq": seq}}
                    writes.append(
                        ReplaceOne({"_id": one.id}, {"_id": one.id, **one.values, **about}, upsert=True)
                    )
                    counts["inserted" if before is None else "changed"] += 1
                    changed += [] if before is None else [one.id]
                    continue
                counts["same"] += 1
                if any(before[name] != value for name, value in own.items()):
                    stamp = {f"{LANDED}.{name}": value for name, value in own.items()}
                    writes.append(UpdateOne({"_id": one.id}, {"$set": stamp}))
            self._moved(client, changed, seq)
            if writes:
                self._collection.bulk_write(writes, ordered=False, session=client)
            if counts["inserted"] or counts["changed"]:
                self._take(client, seq)
            book.note_in(
                client, self._session, self._place, file, {"row": items[-1].number} if not self._again else {}
            )
            return counts

        self._count(guarded(self._session, work))

    def keep_only(self, file: str, version: str | None, size: int) -> None:
        """Remove a file's documents of other versions (``None``: all of them), so many at once."""
        gone = {f"{LANDED}.file": file, f"{LANDED}.version": {"$ne": version}}
        while ids := [one["_id"] for one in self._collection.find(gone, {"_id": 1}).limit(size)]:
            self._count(guarded(self._session, self._removal({**gone, "_id": {"$in": ids}})))

    def _removal(self, gone: Document) -> Any:
        def work(client: ClientSession | None) -> dict[str, int]:
            ids = [one["_id"] for one in self._collection.find(gone, {"_id": 1}, session=client)]
            if not ids:
                return {"removed": 0}
            seq = self._turn(client)
            self._moved(client, ids, seq)
            writes = [DeleteOne({"_id": one}) for one in ids]
            self._collection.bulk_write(writes, ordered=False, session=client)
            self._take(client, seq)
            return {"removed": len(ids)}

        return work

    def _turn(self, client: ClientSession | None) -> int:
        """The number of the next batch."""
        own = self._session.target[state.LANDINGS].find_one({"_id": self._place.collection}, session=client)
        assert own is not None
        return int(own["seq"]) + 1

    def _take(self, client: ClientSession | None, seq: int) -> None:
        """Say that a batch is written.

        On a server without transactions it is said last, so that no reader passes over a batch half written.

        Raises:
            RunError: Another subject landed here meanwhile.
        """
        own = {"_id": self._place.collection, "seq": seq - 1}
        taken = self._session.target[state.LANDINGS].update_one(own, {"$set": {"seq": seq}}, session=client)
        if not taken.matched_count:
            raise RunError(
                f"another subject lands in {self._place.collection} right now", "try again", retry=True
            )

    def _moved(self, client: ClientSession | None, ids: list[str], seq: int) -> None:
        """Keep the times that documents have before they change or vanish: their partitions do too."""
        if not ids:
            return
        stages = [
            {"$match": {"_id": {"$in": ids}}},
            {"$match": instant.timed(self._time)},
            {"$group": {"_id": instant.value(self._time)}},
        ]
        found = self._collection.aggregate(encode.to_bson(stages), session=client)
        times = [one["_id"] for one in found if one["_id"] is not None]
        if times:
            about = {"collection": self._place.collection, "seq": seq, "times": times}
            self._session.target[state.MOVES].insert_one(about, session=client)

    def _free(self, one: Item, file: str, before: Document) -> None:
        """Refuse a key that another row of what is there now has."""
        other = before["file"]
        if self._versions.get(other) == before["version"] and (other, before["row"]) != (file, one.number):
            raise _twice(one, f"{other}:{before['row']}", f"{file}:{one.number}")

    def _count(self, counts: Mapping[str, int]) -> None:
        for name, number in counts.items():
            self._written[name] += number


def _distinct(file: str, items: Sequence[Item]) -> None:
    first: dict[str, Item] = {}
    for one in items:
        other = first.setdefault(one.id, one)
        if other is not one:
            raise _twice(one, f"{file}:{other.number}", f"{file}:{one.number}")


def _twice(one: Item, first: str, second: str) -> RunError:
    return RunError(
        f"the key {one.id} is there twice: {first} and {second}",
        "mend the files, or name in `key` the fields that tell rows apart; the last good rows stay",
    )


def batches(items: Iterator[Item], size: int) -> Iterator[list[Item]]:
    """Items in lists of a size, the last of what is left."""
    batch: list[Item] = []
    for one in items:
        batch.append(one)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch

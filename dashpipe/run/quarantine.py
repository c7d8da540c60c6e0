"""Documents in quarantine: which they are and why, in ``dashpipe_quarantine``, until they are mended.

An entry is a document that a run left out: subject, source, its id, its instant and local day (or hour), each
wrong field with its declared type and the type that was found, when and by which run it was first and last
seen. No value is kept: it may be personal, or large, and the document is where it was. Numbers never
depend on entries, the scans leave out what is mistyped as they read; entries say what to mend, and which
partitions to compute again once it was.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from hashlib import sha256
from itertools import islice
from typing import TYPE_CHECKING, Any

import bson
from pymongo import UpdateOne

from dashpipe.compile import emit, instant, partition
from dashpipe.run import encode, lease, ledger, route, state, updated
from dashpipe.run.base import Run, Session
from dashpipe.run.guarded import guarded
from dashpipe.run.operation import options
from dashpipe.run.transform.parts import batches

if TYPE_CHECKING:
    from pymongo.client_session import ClientSession

Document = dict[str, Any]

#: The most entries of old partitions that a run looks at again, those looked at longest ago first.
_AGAIN = 20_000

_SAID = {"nan": "NaN or infinite"}


def again(run: Run, session: Session, source: str) -> Document:
    """Read the documents of a source again that are in quarantine.

    Where one is mended, its partition turns stale, and is added to the run unless that is by name.

    Returns:
        For the receipt: how many were ``released``, and how many partitions turned stale and were added.
    """
    if run.subject.source(source).snapshot:
        return {"released": 0, "stale": 0, "added": 0}  # what is over is over; `collect` reads all of it
    entries = session.target[state.QUARANTINE].find(_of(run, source)).sort("last_seen", 1)
    known = list(islice(entries, _AGAIN + 1))
    if len(known) > _AGAIN:
        text = f"{source} has more than {_AGAIN:,} documents in quarantine: the others are read again later"
        session.setup.log("warning", level=logging.WARNING, source=source, text=text)
    released, stale = _judge(run, session, source, known[:_AGAIN])
    added = 0 if run.named or not stale else updated.add(run, session)
    if released:
        session.setup.log("mended", source=source, released=released, stale=stale, added=added)
    return {"released": released, "stale": stale, "added": added}


def collect(run: Run, session: Session, source: str, labels: tuple[str, ...]) -> int:
    """Find the documents to leave out in partitions of the finest grain, keep them, and say how many.

    Entries of these partitions that are not found any more are read again. A snapshot is read whole: those
    that are not found in it are no more.
    """
    fine, grain = updated.finest(run.subject), run.plan.grains[0]
    if not labels or not run.plan.source(source).quarantined:
        return 0
    spans = partition.ranges(grain, labels, run.subject.calendar)
    stages = emit.quarantined(run.plan, source, fine, spans, labels[-1])
    began, count = lease.server_time(session.target), 0
    reader = route.reader(run, session, source, route.CURSOR)
    with reader.aggregate(encode.to_bson(stages), **options(run, f"extract_{source}")) as cursor:
        for batch in batches(cursor, session.setup.batch_size):
            _keep(run, session, source, batch, began)
            count += len(batch)
    if run.subject.source(source).snapshot:
        gone = {**_of(run, source), "last_seen": {"$lt": began}}
        for batch in batches(session.target[state.QUARANTINE].find(gone), session.setup.batch_size):
            _drop(session, [entry["_id"] for entry in batch])
        return count
    within = [{"time": {"$gte": start, "$lt": end}} for start, end in spans]
    left = {**_of(run, source), "last_seen": {"$lt": began}, "$or": within}
    for batch in batches(session.target[state.QUARANTINE].find(left), session.setup.batch_size):
        _judge(run, session, source, batch)
    return count


def _of(run: Run, source: str) -> Document:
    return {"subject": run.subject.id, "source": source}


def _judge(run: Run, session: Session, source: str, entries: list[Document]) -> tuple[int, int]:
    """Read the documents of entries again: keep what is still wrong, let go what is mended or gone.

    Partitions turn stale before entries go, so that a killed run loses nothing.

    Returns:
        How many were mended, and how many partitions turned stale.
    """
    one, fine = run.plan.source(source), updated.finest(run.subject)
    reader = route.reader(run, session, source, route.CURSOR)
    released = stale = 0
    for batch in batches(entries, session.setup.batch_size):
        now = lease.server_time(session.target)
        ids = {"_id": {"$in": [entry["document"] for entry in batch]}}
        timed = {"$match": instant.timed(one.source.time)}
        stages = [{"$match": ids}, timed, *emit.verdicts(run.plan, one, fine)]
        found = list(reader.aggregate(encode.to_bson(stages), **options(run, f"extract_{source}")))
        wrong = [each for each in found if each["f"]]
        mended = {each["p"]: now for each in found if not each["f"]}
        released += len(found) - len(wrong)
        reason = f"documents of {source} were mended"
        stale += ledger.mark_stale(
            session, updated.by_grain(run.subject, mended.items()), timedelta(), reason
        )
        _keep(run, session, source, wrong, now)
        kept = {_id(run, source, each["_id"]) for each in wrong}
        _drop(session, [entry["_id"] for entry in batch if entry["_id"] not in kept])
    return released, stale


def _keep(
    run: Run, session: Session, source: str, found: Iterable[Mapping[str, Any]], seen: datetime
) -> None:
    """Write the entries of documents; when one was first seen stays."""
    types = dict(run.plan.source(source).types)
    writes = []
    for one in found:
        fields = [{**each, "type": types[each["field"]].value} for each in one["f"]]
        about = {
            **_of(run, source),
            "document": one["_id"],
            "partition": one["p"],
            "time": one["t"],
            "fields": fields,
            "reason": "; ".join(map(_reason, fields)),
            "last_seen": seen,
            "last_run": run.id,
        }
        first = {"first_seen": seen, "first_run": run.id}
        key = {"_id": _id(run, source, one["_id"])}
        writes.append(UpdateOne(key, {"$set": about, "$setOnInsert": first}, upsert=True))
    if not writes:
        return

    def work(client: ClientSession | None) -> None:
        session.target[state.QUARANTINE].bulk_write(writes, ordered=False, session=client)

    guarded(session, work)


def _drop(session: Session, ids: list[str]) -> None:
    if not ids:
        return

    def work(client: ClientSession | None) -> None:
        session.target[state.QUARANTINE].delete_many({"_id": {"$in": ids}}, session=client)

    guarded(session, work)


def _reason(field: Mapping[str, Any]) -> str:
    return f"`{field['field']}` is {_SAID.get(field['found'], field['found'])}, not {field['type']}"


def _id(run: Run, source: str, document: Any) -> str:
    """The ``_id`` of an entry: of one length, whatever the document's is."""
    digest = sha256(bson.encode({"_id": document})).hexdigest()
    return f"{run.subject.id}|{source}|{digest[:32]}"

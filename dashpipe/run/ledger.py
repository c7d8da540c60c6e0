"""The ledger of partitions: what is published, loaded, failed or stale; what is absent was never computed.

One document a subject, grain and partition in ``dashpipe_partitions``. The states:

- ``loaded``: its rows are being replaced, or were and are not published yet; the next run computes it again.
- ``published``: its rows are whole; ``complete`` tells whether the partition was over then.
- ``failed``: a check stopped its rows; what was published before still stands in the target.
- ``stale``: documents of it changed after it was computed.
- ``pruned``: it is older than ``target.retention_days``, and its rows were removed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from pymongo import IndexModel, UpdateOne

from dashpipe.compile import partition
from dashpipe.run import state, window
from dashpipe.run.base import Run, Session
from dashpipe.run.guarded import guarded
from dashpipe.spec import nesting
from dashpipe.spec.model import Grain, Subject

if TYPE_CHECKING:
    from pymongo.client_session import ClientSession
    from pymongo.database import Database

Document = dict[str, Any]
Labels = Mapping[Grain, tuple[str, ...]]

PUBLISHED, LOADED, FAILED, STALE, PRUNED = "published", "loaded", "failed", "stale", "pruned"


def row_id(subject_id: str, grain: Grain, label: str) -> str:
    """The ``_id`` of a partition's row."""
    return f"{subject_id}|{grain.value}|{label}"


def prepare(database: Database[Document]) -> None:
    """Create what the state needs before its first transaction: collections and their indexes."""
    mine = [("subject", 1), ("grain", 1)]
    by = ([("start", 1)], [("state", 1), ("start", 1)], [("fence", 1)])
    database[state.PARTITIONS].create_indexes([IndexModel([*mine, *some]) for some in by])
    database[state.RUNS].create_index([("subject", 1), ("created_at", -1)])
    database[state.VALUES].create_index([("subject", 1), ("source", 1), ("partition", 1)])
    database[state.QUARANTINE].create_index([("subject", 1), ("source", 1), ("last_seen", 1)])
    database[state.AUDIT].create_index([("subject", 1), ("at", -1)])


def rows(
    database: Database[Document], subject_id: str, grain: Grain, labels: Iterable[str]
) -> dict[str, Document]:
    """The rows of some partitions of a grain, by label; the missing are absent."""
    ids = [row_id(subject_id, grain, label) for label in labels]
    return {one["label"]: one for one in database[state.PARTITIONS].find({"_id": {"$in": ids}})}


def published(
    database: Database[Document], subject_id: str, grain: Grain, labels: Iterable[str]
) -> dict[str, Document]:
    """The rows of those partitions of a grain that are published, by label; ``leaves`` tells their states."""
    found = rows(database, subject_id, grain, labels)
    return {label: row for label, row in found.items() if row["state"] == PUBLISHED}


def moved(database: Database[Document], subject_id: str, grain: Grain, end: datetime, fence: int) -> bool:
    """Whether a partition of a grain that begins before an instant was changed, or has to be, after a fence.

    One that was published before, and pruned since, was not changed.
    """
    later = {"subject": subject_id, "grain": grain.value, "fence": {"$gt": fence}, "start": {"$lt": end}}
    if database[state.PARTITIONS].find_one(later, {"_id": 1}) is not None:
        return True
    return any_in(database, subject_id, grain, (FAILED, LOADED, STALE), end)


def any_in(
    database: Database[Document], subject_id: str, grain: Grain, states: Iterable[str], end: datetime
) -> bool:
    """Whether a partition of a grain that begins before an instant is in one of some states."""
    mine = {"subject": subject_id, "grain": grain.value, "state": {"$in": list(states)}}
    return database[state.PARTITIONS].find_one({**mine, "start": {"$lt": end}}, {"_id": 1}) is not None


def since(
    database: Database[Document], subject_id: str, grain: Grain, start: datetime, as_of: datetime
) -> dict[str, str]:
    """The state of each partition of a grain that was ever written and begins in ``[start, as_of)``."""
    wanted = {"subject": subject_id, "grain": grain.value, "start": {"$gte": start, "$lt": as_of}}
    found = database[state.PARTITIONS].find({**wanted, "state": {"$ne": PRUNED}}, {"label": 1, "state": 1})
    return {one["label"]: one["state"] for one in found}


def due(database: Database[Document], subject: Subject, as_of: datetime, spec_hash: str) -> Labels:
    """The partitions that a run without ``from`` and ``to`` computes beside its window, a grain.

    Those that ended at most ``catch_up_days`` before ``as_of`` and are missing, stale, or were published
    before they were over; a failed one once the spec changed; and, however old, what a run left half-way.
    """
    found: dict[Grain, tuple[str, ...]] = {}
    for grain in subject.grains:
        labels = window.ended(subject, grain, as_of, subject.catch_up_days)
        known = rows(database, subject.id, grain, labels)
        wanted = {label for label in labels if _is_due(known.get(label), spec_hash)}
        left = {"subject": subject.id, "grain": grain.value, "state": LOADED}
        wanted.update(one["label"] for one in database[state.PARTITIONS].find(left, {"label": 1}))
        found[grain] = partition.ordered(grain, wanted, subject.calendar)
    return found


def _is_due(row: Document | None, spec_hash: str) -> bool:
    if row is None or row["state"] in (LOADED, STALE):
        return True
    if row["state"] == FAILED:
        return bool(row["spec_hash"] != spec_hash)
    return row["state"] == PUBLISHED and not row["complete"]


def changed(
    database: Database[Document], subject_ids: Iterable[str], since: datetime | None
) -> list[window.Span]:
    """The UTC ranges of what subjects published after an instant: of each, partitions of its finest grain."""
    spans: list[window.Span] = []
    for subject_id in subject_ids:
        wanted: Document = {"subject": subject_id, "state": PUBLISHED}
        if since is not None:
            wanted["published_at"] = {"$gt": since}
        found = list(database[state.PARTITIONS].find(wanted, {"grain": 1, "start": 1, "end": 1}))
        grains = {one["grain"] for one in found}
        finest = next((grain.value for grain in nesting.ORDER if grain.value in grains), None)
        spans += [(one["start"], one["end"]) for one in found if one["grain"] == finest]
    return spans


def mark_stale(
    session: Session, touched: Mapping[Grain, Mapping[str, datetime]], margin: timedelta, reason: str
) -> int:
    """Mark partitions as stale whose documents changed after they were computed; say how many.

    Args:
        session: The step's session.
        touched: When a document of a partition last changed, by grain and label.
        margin: How much later than its time a change may have become visible.
        reason: Why, for people.
    """
    subject_id, partitions = session.request.subject.id, session.target[state.PARTITIONS]
    changed_at = {
        row_id(subject_id, grain, label): at for grain, some in touched.items() for label, at in some.items()
    }
    judged = {"state": {"$in": [PUBLISHED, FAILED]}}  # the others are due anyhow
    known = partitions.find({"_id": {"$in": list(changed_at)}, **judged}, {"read_at": 1})
    ids = [one["_id"] for one in known if changed_at[one["_id"]] >= one["read_at"] - margin]
    if not ids:
        return 0

    def work(client: ClientSession | None) -> int:
        change = {"$set": {"state": STALE, "reason": reason}}
        return partitions.update_many({"_id": {"$in": ids}, **judged}, change, session=client).modified_count

    return guarded(session, work)


def mark_failed(run: Run, session: Session, failed: Mapping[Grain, Mapping[str, str]]) -> None:
    """Mark partitions whose checks failed, each with the reason."""
    _set(
        run,
        session,
        {
            grain: {label: {"state": FAILED, "reason": why} for label, why in some.items()}
            for grain, some in failed.items()
        },
    )


def mark_loading(run: Run, session: Session) -> None:
    """Mark every partition of a run before the first of its rows is written."""
    fields = {"state": LOADED, "reason": "its rows are being written"}
    _set(run, session, {grain: dict.fromkeys(some, fields) for grain, some in run.partitions.items()})


def changes(run: Run, fence: int, fields: Mapping[Grain, Mapping[str, Document]]) -> list[UpdateOne]:
    """The writes that set fields of partitions' rows, with what every row has."""
    calendar = run.subject.calendar
    made = []
    for grain, some in fields.items():
        for label, given in some.items():
            start, end = partition.bounds(grain, label, calendar)
            own = {
                "subject": run.subject.id,
                "grain": grain.value,
                "label": label,
                "start": start,
                "end": end,
            }
            about = {"run_id": run.id, "fence": fence, "spec_hash": run.hash, "complete": end <= run.as_of}
            about |= {"as_of": run.as_of, "read_at": run.read_at}
            key = {"_id": row_id(run.subject.id, grain, label)}
            made.append(UpdateOne(key, {"$set": {**own, **about, **given}}, upsert=True))
    return made


def _set(run: Run, session: Session, fields: Mapping[Grain, Mapping[str, Document]]) -> None:
    writes = changes(run, session.lease.fence, fields)
    if not writes:
        return

    def work(client: ClientSession | None) -> None:
        session.target[state.PARTITIONS].bulk_write(writes, ordered=False, session=client)

    guarded(session, work)

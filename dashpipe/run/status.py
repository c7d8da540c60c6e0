"""The state of a subject: which partitions are published, missing, stale or failed, and who runs it now."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from dashpipe.compile import partition, periods
from dashpipe.run import lease, ledger, state, window
from dashpipe.run.steps.ready import ORDER
from dashpipe.spec.model import Grain

if TYPE_CHECKING:
    from pymongo.database import Database

    from dashpipe.spec.model import Subject

Document = dict[str, Any]

MISSING, INCOMPLETE = "missing", "incomplete"


@dataclass(frozen=True, slots=True)
class Stretch:
    """Partitions in a row of the same state and reason: the first, the last, how many, and their rows."""

    state: str
    first: str
    last: str
    count: int
    rows: int
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Status:
    """The state of one subject.

    Attributes:
        subject: Its id.
        holder: The run that holds its lease, ``None`` where none does.
        step: The step that the holder is in.
        until: Until when the lease stands.
        runs: The newest runs: id, kind, whether open, when, which steps left receipts, and how many values
            of which field were mistyped, and how many rows could not be landed, a source.
        grains: The stretches of each grain, in time order.
        quarantine: How many documents are in quarantine, a source, and since when.
    """

    subject: str
    holder: str | None
    step: str | None
    until: datetime | None
    runs: tuple[Document, ...]
    grains: dict[Grain, tuple[Stretch, ...]]
    quarantine: dict[str, Document]


def find(database: Database[Document], subject: Subject, runs: int = 3) -> Status:
    """Read the state of a subject.

    Args:
        database: The target database.
        subject: The subject.
        runs: How many of the newest runs to give.
    """
    now = lease.server_time(database)
    held = database[state.TARGETS].find_one({"_id": subject.id}) or {}
    live = held.get("holder") is not None and held["until"] >= now
    fields = {"kind": 1, "state": 1, "created_at": 1, "window": 1, "receipts": 1}
    newest = database[state.RUNS].find({"subject": subject.id}, fields).sort("created_at", -1).limit(runs)
    return Status(
        subject=subject.id,
        holder=held["holder"] if live else None,
        step=held.get("step") if live else None,
        until=held["until"] if live else None,
        runs=tuple(_run(one) for one in newest),
        grains={grain: _stretches(database, subject, grain, now) for grain in subject.grains},
        quarantine=_quarantine(database, subject),
    )


def _quarantine(database: Database[Document], subject: Subject) -> dict[str, Document]:
    stages: list[Document] = [
        {"$match": {"subject": subject.id}},
        {"$group": {"_id": "$source", "documents": {"$sum": 1}, "since": {"$min": "$first_seen"}}},
        {"$sort": {"_id": 1}},
    ]
    found = database[state.QUARANTINE].aggregate(stages)
    return {one["_id"]: {"documents": one["documents"], "since": one["since"]} for one in found}


def _run(document: Document) -> Document:
    return {
        "id": document["_id"],
        "kind": document["kind"],
        "state": document["state"],
        "at": document["created_at"],
        "from": document["window"]["start"],
        "to": document["window"]["end"],
        "done": sorted(document["receipts"], key=lambda task: (ORDER.index(task.partition("_")[0]), task)),
        "mistyped": {
            task.removeprefix("extract_"): receipt["mistyped"]
            for task, receipt in sorted(document["receipts"].items())
            if receipt.get("mistyped")
        },
        "bad_rows": {
            task.removeprefix("extract_"): receipt["landed"]["bad"]
            for task, receipt in sorted(document["receipts"].items())
            if receipt.get("landed", {}).get("bad")
        },
    }


def _stretches(
    database: Database[Document], subject: Subject, grain: Grain, now: datetime
) -> tuple[Stretch, ...]:
    known = {
        one["label"]: one
        for one in database[state.PARTITIONS].find({"subject": subject.id, "grain": grain.value})
    }
    end = periods.end_of(grain, subject.calendar)
    until = now if end is None else min(now, partition.midnight(end, subject.timezone))
    labels = partition.touching(grain, window.first_instant(subject, grain), until, subject.calendar)
    return _join(labels, known, subject.snapshot)


def _one(label: str, row: Document | None, snapshot: bool) -> Stretch:
    if row is None:
        return Stretch(MISSING, label, label, 1, 0, "no snapshot was taken" if snapshot else "")
    open_ = row["state"] == ledger.PUBLISHED and not row["complete"] and not snapshot
    shown = INCOMPLETE if open_ else row["state"]
    return Stretch(shown, label, label, 1, row.get("rows", 0), row.get("reason", ""))


def _join(labels: Iterable[str], known: dict[str, Document], snapshot: bool) -> tuple[Stretch, ...]:
    joined: list[Stretch] = []
    for label in labels:
        one = _one(label, known.get(label), snapshot)
        last = joined[-1] if joined else None
        if last is not None and (last.state, last.reason) == (one.state, one.reason):
            joined[-1] = Stretch(
                one.state, last.first, label, last.count + 1, last.rows + one.rows, one.reason
            )
        else:
            joined.append(one)
    return tuple(joined)

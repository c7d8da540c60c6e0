"""The ``updated`` scan: documents that changed since the last run make their partitions stale."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from dashpipe.compile import instant, periods
from dashpipe.compile.emit import labels as label_of
from dashpipe.run import encode, ledger, record, route, state
from dashpipe.run.base import Run, Session
from dashpipe.run.operation import options
from dashpipe.spec.model import Grain, Subject, Time

Document = dict[str, Any]

#: Clocks of applications may lag, and documents become visible a little after their time.
MARGIN = timedelta(minutes=10)


def scan(run: Run, session: Session, source: str) -> Document:
    """Mark stale what changed in a source since its watermark, and add it to the run unless that is by name.

    It ignores every ``where``: a document that no longer passes it must leave its partition. What moved to
    another partition or was deleted it cannot see.

    Returns:
        For the receipt: since when, how many partitions turned stale and how many were added to the run.
    """
    changed = run.subject.source(source).updated
    since = None if changed is None else _watermark(run, session, source)
    if changed is None or since is None:
        return {}
    since -= MARGIN
    touched = _touched(run, session, source, changed, since)
    stale = ledger.mark_stale(session, touched, MARGIN, f"documents of {source} changed")
    added = 0 if run.named else add(run, session)
    session.setup.log("updated", source=source, since=since, stale=stale, added=added)
    return {"updated_since": since, "stale": stale, "added": added}


def _watermark(run: Run, session: Session, source: str) -> datetime | None:
    """Up to when the source's changes were seen; else those of the oldest published partition."""
    known = session.lease.watermarks.get(source)
    if known is not None:
        return known
    wanted = {"subject": run.subject.id, "state": ledger.PUBLISHED}
    oldest = session.target[state.PARTITIONS].find_one(wanted, {"read_at": 1}, sort=[("read_at", 1)])
    return None if oldest is None else oldest["read_at"]


def _touched(
    run: Run, session: Session, source: str, changed: Time, since: datetime
) -> dict[Grain, dict[str, datetime]]:
    """When a document of a partition last changed, by grain and label, since an instant."""
    subject = run.subject
    fine = finest(subject)
    time = run.plan.source(source).source.time
    stages = [
        *instant.since(changed, since),
        {"$match": instant.timed(time)},
        {
            "$group": {
                "_id": label_of.of_time(fine, instant.value(time), subject.calendar, ()),
                "at": {"$max": instant.value(changed)},
            }
        },
    ]
    reader = route.reader(run, session, source, route.CURSOR)
    found = reader.aggregate(encode.to_bson(stages), **options(run, f"extract_{source}"))
    return by_grain(subject, ((one["_id"], one["at"]) for one in found))


def finest(subject: Subject) -> Grain:
    """The grain by whose labels changes are told: hours where there are any, else days."""
    return Grain.HOUR if Grain.HOUR in subject.grains else Grain.DAY


def by_grain(subject: Subject, found: Iterable[tuple[str, datetime]]) -> dict[Grain, dict[str, datetime]]:
    """When a document of a partition last changed, by grain and label, from that of the finest labels."""
    fine = finest(subject)
    touched: dict[Grain, dict[str, datetime]] = {grain: {} for grain in subject.grains}
    for label, at in found:
        for grain, labels in touched.items():
            own = label
            if grain is not fine:
                day = periods.day_of(label)
                if not periods.covers(grain, day, subject.calendar):
                    continue  # a document from before the calendar's first year, or after its last
                own = periods.of_date(grain, day, subject.calendar)
            labels[own] = max(labels.get(own, at), at)
    return touched


def add(run: Run, session: Session) -> int:
    """Add to the run what is due now and was not when it was pinned."""
    due = ledger.due(session.target, run.subject, run.as_of, run.hash)
    more = {
        grain.value: [label for label in labels if label not in set(run.partitions[grain])]
        for grain, labels in due.items()
    }
    change = {f"partitions.{grain}": {"$each": some} for grain, some in more.items() if some}
    if change:
        record.update(session, run, {"$addToSet": change})
    return sum(map(len, more.values()))

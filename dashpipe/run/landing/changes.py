"""What landing changed, for one subject: the partitions that documents were in or are in turn stale.

Several subjects may land one collection. Each looks at all that changed since it looked last, whoever landed
it.
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from dashpipe.compile import instant
from dashpipe.compile.emit import labels
from dashpipe.run import encode, ledger, state, updated
from dashpipe.run.base import Run, Session
from dashpipe.run.guarded import guarded
from dashpipe.run.landing.identity import LANDED
from dashpipe.run.operation import options

if TYPE_CHECKING:
    from pymongo.client_session import ClientSession

Document = dict[str, Any]

_LATEST = datetime(9999, 1, 1, tzinfo=timezone.utc)


def mark(run: Run, session: Session, source: str) -> Document:
    """Mark stale what changed in a landed source since this subject saw it, and add it to the run.

    Returns:
        For the receipt: how many partitions turned stale, and how many were added to the run.
    """
    place, landings = run.sources[source], session.target[state.LANDINGS]
    own = {"_id": f"{place.collection}|reader|{run.subject.id}|{source}"}
    until = int((landings.find_one({"_id": place.collection}) or {"seq": 0})["seq"])
    since = int((landings.find_one(own) or {"seq": 0})["seq"])
    if until <= since:
        return {}
    touched = updated.by_grain(run.subject, _labels(run, session, source, since, until))
    stale = ledger.mark_stale(session, touched, timedelta(0), f"documents of {source} changed")
    about = {"kind": "reader", "collection": place.collection, "subject": run.subject.id, "source": source}

    def work(client: ClientSession | None) -> None:
        landings.update_one(own, {"$set": about, "$max": {"seq": until}}, upsert=True, session=client)

    guarded(session, work)
    _prune(session, place.collection)
    return {"stale": stale, "added": 0 if run.named else updated.add(run, session)}


def _labels(run: Run, session: Session, source: str, since: int, until: int) -> list[tuple[str, datetime]]:
    """The labels, at the finest grain, of what changed: where documents are, and where they were."""
    time, calendar = run.subject.source(source).time, run.subject.calendar
    fine, place = updated.finest(run.subject), run.sources[source]
    now = [
        {"$match": {f"{LANDED}.seq": {"$gt": since, "$lte": until}}},
        {"$match": instant.timed(time)},
        {"$group": {"_id": labels.of_time(fine, instant.value(time), calendar, ())}},
    ]
    before = [
        {"$match": {"collection": place.collection, "seq": {"$gt": since, "$lte": until}}},
        {"$unwind": "$times"},
        {"$group": {"_id": labels.of_time(fine, "$times", calendar, ())}},
    ]
    asked = ((session.collection(place), now), (session.target[state.MOVES], before))
    return [
        (one["_id"], _LATEST)
        for collection, stages in asked
        for one in collection.aggregate(encode.to_bson(stages), **options(run, f"extract_{source}"))
    ]


def _prune(session: Session, collection: str) -> None:
    """Forget the old times that every reader has seen."""
    readers = session.target[state.LANDINGS].find({"kind": "reader", "collection": collection}, {"seq": 1})
    seen = min((int(one["seq"]) for one in readers), default=0)

    def work(client: ClientSession | None) -> None:
        old = {"collection": collection, "seq": {"$lte": seen}}
        session.target[state.MOVES].delete_many(old, session=client)

    guarded(session, work)

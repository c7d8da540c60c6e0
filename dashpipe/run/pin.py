"""Pinning: taking the deployed spec, an ``as_of`` and the partitions to compute into the run record.

*Pinning anew* keeps the window, finds the partitions again and forgets the receipts: so a step goes on whose
input is gone, or was overtaken by another run.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from pymongo.errors import DuplicateKeyError

from dashpipe.compile import compile_subject, partition
from dashpipe.run import calendar, lease, ledger, owner, places, record, snapshot, staging, state, window
from dashpipe.run.base import Run, Session, Window
from dashpipe.run.guarded import guarded
from dashpipe.spec import codec
from dashpipe.spec.model import Grain, Subject

if TYPE_CHECKING:
    from pymongo.client_session import ClientSession

Document = dict[str, Any]

#: Clocks of upstream runs and ours may differ by as much.
_SKEW = timedelta(minutes=10)


def pin(session: Session, before: Document | None) -> Run | None:
    """Write the record of a run, or pin the deployed plan anew in the one there is.

    Args:
        session: The step's session.
        before: The record as it was read; ``None``: there was none.

    Returns:
        The run, or ``None`` where another task of this run was faster: read the record again.

    Raises:
        Refused: The request, the environment or the target is not fit.
    """
    request, subject = session.request, session.request.subject
    ledger.prepare(session.target)
    now = lease.server_time(session.target)
    as_of = _stored(request.now or now)
    plan = compile_subject(subject)
    found = places.find(plan, session.setup)
    owner.claim(session, plan, found)
    calendar.check(session, subject)
    span = _window(session, as_of) if before is None else record.span(before)
    named = request.start is not None if before is None else bool(before["named"])
    hashes = codec.fingerprint(subject)
    with calendar.covered():
        late = {} if named or subject.snapshot else ledger.due(session.target, subject, as_of, hashes["data"])
        partitions = {
            grain: partition.ordered(grain, (*some, *late.get(grain, ())), subject.calendar)
            for grain, some in _labels(subject, span, as_of).items()
        }
    pinned: Document = {
        "subject": subject.id,
        "kind": request.kind,
        "state": record.OPEN,
        "spec": json.dumps(codec.to_json(subject), separators=(",", ":"), ensure_ascii=False),
        "fingerprint": hashes,
        "tenure": session.lease.tenure,
        "as_of": as_of,
        "window": {**asdict(span), "also": [list(one) for one in span.also]},
        "named": named,
        "partitions": {grain.value: list(some) for grain, some in partitions.items()},
        "sources": {name: asdict(one) for name, one in found.sources.items()},
        "lookups": {name: asdict(one) for name, one in found.lookups.items()},
        "targets": {grain.value: asdict(one) for grain, one in found.targets.items()},
        "env": dict(found.environ),
        "allow_removal": request.allow_removal,
        "receipts": {},
        "failed_checks": [],
        "pinned_at": now,
    }
    document = _create(session, pinned) if before is None else _replace(session, before, pinned)
    if document is None:
        return None
    staging.sweep(session, now)
    run = record.decode(document)
    _say(session, run, late)
    return run


def _stored(instant: datetime) -> datetime:
    """An instant as the database keeps it, to the millisecond: a later step reads what was pinned."""
    instant = instant.astimezone(timezone.utc)
    return instant.replace(microsecond=instant.microsecond // 1000 * 1000)


def _window(session: Session, as_of: datetime) -> Window:
    request, subject = session.request, session.request.subject
    spans: list[window.Span] = []
    if request.kind == "asset":
        last = session.target[state.TARGETS].find_one({"_id": subject.id}, {"seen": 1}) or {}
        seen = last.get("seen")
        spans = ledger.changed(session.target, request.upstream, None if seen is None else seen - _SKEW)
    back = window.lookback(subject, session.setup.environ)
    found = window.choose(request, subject, back, as_of, spans)
    return snapshot.choose(request, subject, found, as_of) if subject.snapshot else found


def _labels(subject: Subject, span: Window, as_of: datetime) -> dict[Grain, tuple[str, ...]]:
    return snapshot.labels(subject, as_of) if subject.snapshot else window.labels(subject, span, as_of)


def _create(session: Session, pinned: Document) -> Document | None:
    own = {"_id": session.request.run_id, "generation": 1, "reopened": False}
    document = {**own, "created_at": pinned["pinned_at"], **pinned}

    def work(client: ClientSession | None) -> None:
        session.target[state.RUNS].insert_one(document, session=client)

    try:
        guarded(session, work)
    except DuplicateKeyError:
        return None
    return document


def _replace(session: Session, before: Document, pinned: Document) -> Document | None:
    same = {"_id": before["_id"], "generation": before["generation"], "state": before["state"]}
    again = before["state"] == record.CLOSED or before["reopened"]
    change = {
        "$set": {**pinned, "reopened": again},
        "$inc": {"generation": 1},
        "$unset": {"staging_until": ""},
    }

    def work(client: ClientSession | None) -> int:
        return session.target[state.RUNS].update_one(same, change, session=client).matched_count

    return record.find(session) if guarded(session, work) else None


def _say(session: Session, run: Run, late: Mapping[Grain, tuple[str, ...]]) -> None:
    """Tell the window, why it is this one, and the partitions of each grain."""
    log = session.setup.log
    log(
        "window",
        run=run.id,
        generation=run.generation,
        start=run.window.start,
        end=run.window.end,
        why=run.window.why,
        also=len(run.window.also) or None,
        as_of=run.as_of,
        timezone=run.subject.timezone,
    )
    for grain, labels in run.partitions.items():
        log(
            "partitions",
            grain=grain.value,
            n=len(labels),
            first=labels[0] if labels else None,
            last=labels[-1] if labels else None,
            incomplete=len(partition.incomplete(grain, labels, run.as_of, run.subject.calendar)) or None,
            caught_up=len(set(late.get(grain, ()))) or None,
        )
    over = snapshot.left_out(run) if run.subject.snapshot else {}
    if over:
        why = "it is over, and a snapshot of the past cannot be taken"
        log("left out", level=logging.WARNING, why=why, **over)
    if run.window.end > run.as_of:
        log("left out", why="it has not begun", from_=run.as_of, to=run.window.end)

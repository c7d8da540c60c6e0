"""The life of staging collections: what a run left is swept away once nobody needs it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime, timedelta

from dashpipe.run import state
from dashpipe.run.base import Session

#: How long the staging of a run whose checks failed is kept, to be looked at.
KEEP_FAILED = timedelta(days=3)


def names(session: Session, prefix: str) -> list[str]:
    """The staging collections whose names begin with a prefix."""
    wanted = {"name": {"$regex": f"^{re.escape(prefix)}"}}
    return sorted(session.target.list_collection_names(filter=wanted))


def make(session: Session, name: str) -> None:
    """Create a staging collection: its name is new, so that nobody looks whether it is there."""
    session.target.create_collection(name, check_exists=False)


def exist(session: Session, wanted: Iterable[str]) -> bool:
    """Whether all these collections exist."""
    wanted = set(wanted)
    found = session.target.list_collection_names(filter={"name": {"$in": sorted(wanted)}}) if wanted else ()
    return wanted <= set(found)


def sweep(session: Session, now: datetime) -> None:
    """Drop what the subject's runs left in staging before, but for runs whose checks failed lately."""
    subject_id = session.request.subject.id
    kept = {"subject": subject_id, "staging_until": {"$gt": now}}
    spared = tuple(
        state.staging_run(subject_id, one["_id"]) for one in session.target[state.RUNS].find(kept, {"_id": 1})
    )
    for name in names(session, state.staging_prefix(subject_id)):
        if not name.startswith(spared) and state.fence_of(name) < session.lease.fence:
            session.target.drop_collection(name)


def drop(session: Session) -> int:
    """Drop the staging of the session's run, and say how many collections that were."""
    prefix = state.staging_run(session.request.subject.id, session.request.run_id)
    found = [name for name in names(session, prefix) if state.fence_of(name) < session.lease.fence]
    for name in found:
        session.target.drop_collection(name)
    return len(found)

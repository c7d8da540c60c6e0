"""Extract: ask a source what the run must know of it, and find what changed since the last run."""

from __future__ import annotations

import logging
from typing import Any

from dashpipe.run import landing, record, snapshot, updated
from dashpipe.run.base import Run, Session
from dashpipe.run.errors import translating
from dashpipe.run.sources import ask

Document = dict[str, Any]


def extract(run: Run, session: Session, source: str) -> Document:
    """Check a source's presence, types, freshness and index, and mark what changed in it as stale.

    Raises:
        SourceDown: It does not answer.
        RunError: It does not keep its contract.
    """
    log = session.setup.log
    with translating(f"reading the source {source}"):
        landed = landing.land(run, session, source)
        changed = updated.scan(run, session, source)
        for name in ("stale", "added"):
            if name in landed and name in changed:
                changed[name] += landed[name]
        about = ask(_with_added(run, session, {**landed, **changed}), session, source)
    newest = about["newest"]
    log(
        "source",
        source=source,
        connection=session.setup.connections.where(run.sources[source].connection),
        collection=run.sources[source].collection,
        documents=about["documents"],
        newest=newest,
        untimed=about["untimed"] or None,
        mistyped=about["mistyped"] or None,
    )
    for warning in about["warnings"]:
        log("warning", level=logging.WARNING, source=source, text=warning)
    over = snapshot.left_out(run) if run.subject.snapshot else {}
    return {**about, **landed, **changed, **({"left_out": over} if over else {})}


def _with_added(run: Run, session: Session, changed: Document) -> Run:
    """The run with the partitions that were added to it because their documents changed."""
    document = record.find(session) if changed.get("added") else None
    return run if document is None else record.decode(document)

"""Extract: ask a source what the run must know of it, and find what changed since the last run."""

from __future__ import annotations

import logging
from typing import Any

from dashpipe.run import landing, quarantine, record, snapshot, updated
from dashpipe.run.base import Run, Session
from dashpipe.run.errors import translating
from dashpipe.run.landing import bad
from dashpipe.run.sources import ask, present

Document = dict[str, Any]


def extract(run: Run, session: Session, source: str) -> Document:
    """Check a source's presence, types, freshness and index, and mark what changed or was mended as stale.

    Raises:
        SourceDown: It does not answer.
        RunError: It does not keep its contract.
    """
    log = session.setup.log
    with translating(f"reading the source {source}"):
        landed = landing.land(run, session, source)
        kind = present(run, session, source)
        again = quarantine.again(run, session, source)
        changed = updated.scan(run, session, source)
        for name in ("stale", "added"):
            if name in landed and name in changed:
                changed[name] += landed[name]
        more = {**landed, **changed}
        run = _with_added(run, session, again["added"] + more.get("added", 0))
        about = ask(run, session, source, kind)
        kept = quarantine.collect(run, session, source, run.partitions.get(run.plan.grains[0], ()))
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
        quarantined=kept or None,
    )
    about["warnings"] += bad.warned(source, landed.get("landed", {}))
    for warning in about["warnings"]:
        log("warning", level=logging.WARNING, source=source, text=warning)
    over = snapshot.left_out(run) if run.subject.snapshot else {}
    whole = {**about, **more, "quarantined": kept, "mended": again}
    return {**whole, **({"left_out": over} if over else {})}


def _with_added(run: Run, session: Session, added: int) -> Run:
    """The run with the partitions that were added to it because their documents changed."""
    document = record.find(session) if added else None
    return run if document is None else record.decode(document)

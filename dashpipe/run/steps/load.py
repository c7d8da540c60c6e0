"""Load: bring the rows of a run from staging into the targets, so that running it again changes nothing."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from dashpipe.compile import advice
from dashpipe.compile.lowering import COSTS
from dashpipe.run import indexes, ledger, probe
from dashpipe.run.base import Run, Session
from dashpipe.run.errors import Refused, translating
from dashpipe.run.lease import server_time
from dashpipe.run.load import running, values, write
from dashpipe.run.load.compare import Comparison, compare, judge
from dashpipe.run.load.remove import audit, remove
from dashpipe.spec.model import Grain

Document = dict[str, Any]


def load(run: Run, session: Session) -> Document:
    """Write the rows and remove those that vanished.

    Returns:
        The receipt: ``counts`` (grain → inserted, changed, same, removed), ``values`` and ``state`` (kept
        and removed), ``weaker`` (what the server lacks and what is done instead, a sentence each), ``ms``.

    Raises:
        Refused: An index conflicts, documents are not ours, or too many rows would vanish; all is as it was.
        LeaseLost: Another run took the lease.
    """
    began = time.monotonic()
    staged = {grain: run.receipts["transform"]["staging"][grain.value] for grain in run.plan.grains}
    rows = {grain: int(run.receipts["transform"]["rows"][grain.value]) for grain in run.plan.grains}
    for grain in run.plan.grains:
        made = indexes.ensure(session.collection(run.targets[grain]), advice.of_target(run.subject, grain))
        if made:
            session.setup.log("indexes", collection=run.targets[grain].collection, created=made)
    with translating("looking at what the server can do"):
        has = probe.capabilities(session.target)
    run = replace(run, lacking=frozenset(one for one in COSTS if not has[one]))
    compared = _compared(run, session, staged)
    ledger.mark_loading(run, session)
    session.lease.writing()
    counts: dict[str, Document] = {}
    for grain in run.plan.grains:
        started, name = time.monotonic(), run.targets[grain].collection
        with translating(f"writing {name}"):
            at = server_time(session.target)
            put = write.merge if has["guarded_merge"] else write.send
            put(run, session, grain, staged[grain], at)
            found = write.count(run, session, grain, rows[grain], at)
            found["removed"] = remove(run, session, grain, compared[grain])
        counts[grain.value] = found
        ms = round((time.monotonic() - started) * 1000)
        session.setup.log("loaded", run=run.id, grain=grain.value, collection=name, **found, ms=ms)
    with translating("writing kept values"):
        kept = values.load(run, session, merges=has["guarded_merge"])
    with translating("writing running states"):
        going = running.load(run, session, merges=has["guarded_merge"])
    weaker = [f"no {one}: {probe.WRITES[one]}" for one in sorted(probe.WRITES) if not has[one]]
    ms = round((time.monotonic() - began) * 1000)
    return {"counts": counts, "values": kept, "state": going, "weaker": weaker, "ms": ms}


def _compared(run: Run, session: Session, staged: Mapping[Grain, str]) -> dict[Grain, Comparison]:
    """Compare every grain before the first write of any."""
    compared: dict[Grain, Comparison] = {}
    for grain in run.plan.grains:
        name = run.targets[grain].collection
        with translating(f"comparing {name} with what was computed"):
            one = compared[grain] = compare(run, session, grain, staged[grain])
        try:
            judge(run, grain, one)
        except Refused as refusal:
            about = {"grain": grain.value, "collection": name, "rows": one.removed_complete}
            audit(run, session, "refusal", **about, stored=one.stored_complete, reason=refusal.message)
            raise
    return compared

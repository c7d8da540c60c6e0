"""Transform: compute every grain of a run into staging, finest first; the target is not touched."""

from __future__ import annotations

import time
from typing import Any

from dashpipe.run import calendar, quarantine, record, route, state
from dashpipe.run import values as counts
from dashpipe.run.base import Run, Session
from dashpipe.run.errors import translating
from dashpipe.run.transform import lacking, lookups, running, values
from dashpipe.run.transform.grain import compute
from dashpipe.run.transform.known import Known
from dashpipe.run.transform.work import Work
from dashpipe.spec.model import Grain

Document = dict[str, Any]


def transform(run: Run, session: Session) -> Document:
    """Compute the rows of the run's partitions.

    Returns:
        The receipt: ``staging`` (grain → collection), ``rows`` (grain → count), ``values`` (of kept values,
        ``staging`` and how many are ``kept``), ``state`` (of running states, which were ``made`` and which
        are ``over``), ``routes`` (source → ``server`` or ``cursor``), ``origin`` (grain → source → how many
        partitions came from states and from the source), ``reached`` (the same of
        what they reach back to), ``dependants`` (grain → how many partitions were added because they read
        what changed), ``lookups`` (dimension → keys, matched, and a warning), ``weaker``
        (what a server lacks and what was done instead, a sentence each), ``ms``.

    Raises:
        RunError: A row cannot be written, or a key is looked up twice: says which.
        Refused: Events are followed beyond the last day of the calendar file.
    """
    began, log = time.monotonic(), session.setup.log
    with translating("finding the way to the sources"):
        routes = route.of(run, session)
    log("routes", run=run.id, **routes)
    with translating("looking at what the servers can do"):
        run, weaker = lacking.around(run, session, routes)
    staged: dict[Grain, str] = {}
    rows: dict[str, int] = {}
    origin: dict[str, dict[str, dict[str, int]]] = {}
    reached: dict[str, dict[str, dict[str, int]]] = {}
    asked = run
    kept, known = values.prepare(run, session), Known(session, routes)
    names: list[dict[str, str]] = []
    for grain in run.plan.grains:
        started = time.monotonic()
        name = state.staging(run.subject.id, run.id, "rows", grain, session.lease.fence)
        names.append(lookups.prepare(run, session, grain, names[-1] if names else {}))
        work = Work(run, session, grain, name, dict(staged), routes, names[-1], known, kept)
        with calendar.covered():  # what follows events may look beyond the run's own days
            done = compute(work)
        run, rows[grain.value], staged[grain] = done.run, done.rows, name
        origin[grain.value] = {source: one.counts for source, one in done.origins.items()}
        if done.reached:
            reached[grain.value] = {source: one.counts for source, one in done.reached.items()}
        log(
            "computed",
            run=run.id,
            grain=grain.value,
            partitions=len(run.partitions[grain]),
            rows=rows[grain.value],
            ms=_ms(started),
            **{f"from_{source}": one for source, one in origin[grain.value].items()},
        )
    dependants = {
        grain.value: len(some) - len(asked.partitions[grain]) for grain, some in run.partitions.items()
    }
    if any(dependants.values()):
        _look_into(run, session, asked)
        added = {f"partitions.{grain.value}": list(some) for grain, some in run.partitions.items()}
        record.update(session, run, {"$set": added})
    with translating("keeping what runs on"):
        going = running.advance(run, session, known)
    for one in going.get("made", ()):
        log("running state", run=run.id, source=one["source"], reach=one["reach"], keys=one["n"])
    return {
        "staging": {grain.value: name for grain, name in staged.items()},
        "rows": rows,
        "values": {"staging": kept, "kept": session.target[kept].count_documents({})} if kept else {},
        "state": going,
        "routes": routes,
        "origin": origin,
        "reached": reached,
        "dependants": dependants,
        "lookups": _lookups(run, session, names),
        "weaker": weaker,
        "ms": _ms(began),
    }


def _look_into(run: Run, session: Session, asked: Run) -> None:
    """Do for the partitions that were added what extract did for those that were asked for."""
    grain = run.plan.grains[0]
    known = set(asked.partitions.get(grain, ()))
    added = tuple(label for label in run.partitions.get(grain, ()) if label not in known)
    for source in run.sources if added else ():
        with translating(f"reading the source {source}"):
            counts.count(run, session, source, added)
            quarantine.collect(run, session, source, added)


def _lookups(run: Run, session: Session, names: list[dict[str, str]]) -> dict[str, Document]:
    receipt: dict[str, Document] = {}
    for dimension, one in lookups.report(session, names).items():
        receipt[dimension] = {"keys": one.keys, "matched": one.matched, "warning": one.warning}
        session.setup.log(
            "looked up",
            run=run.id,
            dimension=dimension,
            keys=one.keys,
            matched=one.matched,
            warning=one.warning,
        )
        for collection in one.collections:
            session.target.drop_collection(collection)
    return receipt


def _ms(since: float) -> int:
    return round((time.monotonic() - since) * 1000)

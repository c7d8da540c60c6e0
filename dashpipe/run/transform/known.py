"""What one transform finds out about its sources and running states: each is asked once, for all grains.

None of it changes under a run that holds the lease; one that lost the lease writes nothing of what it made.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

from dashpipe.compile import emit, instant, partition
from dashpipe.compile.emit import Standing
from dashpipe.compile.plan import Running
from dashpipe.run import ledger, operation, window
from dashpipe.run.base import Run, Session
from dashpipe.run.places import of_state
from dashpipe.run.transform.origin import has_none
from dashpipe.spec.model import Grain

Document = dict[str, Any]


class Known:
    """The answers so far; lives for one transform."""

    def __init__(self, session: Session, routes: Mapping[str, str]) -> None:
        """Begin without any; ``routes`` are those of the sources."""
        self._session = session
        self.routes = routes
        self._early: dict[tuple[str, datetime], bool] = {}
        self._held: dict[tuple[str, Grain], Standing | None] = {}
        self._pruned: dict[Grain, bool] = {}

    def has_none_before(self, run: Run, source: str, first: datetime) -> bool:
        """Whether a source has no document before an instant."""
        if (source, first) not in self._early:
            wanted = instant.before(run.plan.source(source).source.time, first)
            self._early[source, first] = has_none(run, self._session, source, wanted, self.routes[source])
        return self._early[source, first]

    def has_pruned(self, run: Run, atom: Grain) -> bool:
        """Whether days (or hours) that were written are gone."""
        if atom not in self._pruned:
            gone = (ledger.PRUNED,)
            self._pruned[atom] = ledger.any_in(self._session.target, run.subject.id, atom, gone, run.as_of)
        return self._pruned[atom]

    def held(self, run: Run, one: Running) -> Standing | None:
        """The running state that is stored, if it holds."""
        named = (one.name, one.atom)
        if named not in self._held:
            self._held[named] = _held(run, self._session, one)
        return self._held[named]


def stamp_id(name: str, atom: Grain) -> str:
    """The ``_id`` of the stamp of a running state."""
    return f"stamp|{atom.value}|{name}"


def start(run: Run, grain: Grain) -> date:
    """The first day of a grain that is written."""
    return partition.local_date(window.first_instant(run.subject, grain), run.subject.timezone)


def _held(run: Run, session: Session, one: Running) -> Standing | None:
    place = of_state(run.plan, run.targets)
    assert place is not None
    stored = session.collection(place)
    found = stored.find_one({"_id": stamp_id(one.name, one.atom)})
    stamp: Document = {} if found is None else found["stamp"]
    if not stamp or stamp["start"] != start(run, one.by).isoformat():
        return None
    if not set(one.kept) <= set(stamp["leaves"]):
        return None
    end = partition.midnight(date.fromisoformat(stamp["reach"]) + timedelta(days=1), run.subject.timezone)
    if ledger.moved(session.target, run.subject.id, one.by, end, stamp["gen"]):
        return None
    mine = emit.of_generation(one.name, one.atom, stamp["gen"])
    if stored.count_documents(mine, **operation.counting(run, "transform")) != stamp["n"]:
        return None
    return Standing(place.collection, stamp["gen"], stamp["reach"])

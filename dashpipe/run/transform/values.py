"""Kept values of a grain: brought from the source at the finest grain, and counted at every grain."""

from __future__ import annotations

from typing import Any

from dashpipe.compile import emit
from dashpipe.compile.emit import Ref
from dashpipe.run import route, state
from dashpipe.run.base import Run, Session
from dashpipe.run.errors import translating
from dashpipe.run.places import of_values
from dashpipe.run.transform.work import Work, fetch, inside

Document = dict[str, Any]


def prepare(run: Run, session: Session) -> str:
    """Create the staging collection of kept values, and give its name; empty where none are kept."""
    if not run.plan.kept:
        return ""
    name = state.staging(run.subject.id, run.id, "values", run.plan.grains[0], session.lease.fence)
    session.target.create_collection(name)
    return name


def bring(work: Work, source: str, labels: tuple[str, ...]) -> None:
    """Put the values of a source's partitions into staging; the work is on the finest grain.

    The ``_id`` of each is of its own partition and leaf: no two pipelines write the same.
    """
    run, session = work.run, work.session
    for stages in emit.values(run.plan, source, labels):
        if work.routes[source] == route.CURSOR:
            fetch(work, source, stages, [], work.values, fresh=True)
        else:
            reader = route.reader(run, session, source, route.SERVER)
            into = emit.merge(Ref(session.target.name, work.values))
            inside(work, source, reader, stages, [*stages, *into], None)


def count(work: Work, source: str, labels: tuple[str, ...], name: str) -> bool:
    """Put counts of kept values beside the parts of some partitions; say whether there are any to put.

    Args:
        work: The work.
        source: The source.
        labels: The partitions.
        name: The collection of parts.
    """
    run, session = work.run, work.session
    place = of_values(run.plan, run.targets)
    if place is None:
        return False
    staged = run.partitions.get(run.plan.grains[0], ())
    into = Ref(session.target.name, name)
    found = emit.of_values(run.plan, work.grain, source, labels, staged, place.collection, into)
    for stages in found:
        with translating(f"counting kept values of {source} by {work.grain.value}"):
            inside(work, source, session.target[work.values], stages, stages, None)
    return bool(found)

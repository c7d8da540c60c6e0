"""Kept values of a grain: brought from the source at the finest grain, and counted at every grain.

Beside the rows' own partitions and keys: what reaches back over days, and wholes of the rows' partitions.
"""

from __future__ import annotations

from typing import Any

from dashpipe.compile import emit
from dashpipe.compile.emit import Places, Ref, Stages
from dashpipe.run import route, staging, state
from dashpipe.run.base import Run, Session
from dashpipe.run.errors import translating
from dashpipe.run.places import of_values
from dashpipe.run.transform.origin import Origin
from dashpipe.run.transform.work import Work, fetch, inside

Document = dict[str, Any]


def prepare(run: Run, session: Session) -> str:
    """Create the staging collection of kept values, and give its name; empty where none are kept."""
    if not run.plan.kept:
        return ""
    name = state.staging(run.subject.id, run.id, "values", run.plan.grains[0], session.lease.fence)
    staging.make(session, name)
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
    staged, target = _where(work)
    if not target:
        return False
    found = emit.of_values(work.run.plan, work.grain, source, labels, staged, target, None)
    for stages in found:
        _put(work, source, stages, name)
    return bool(found)


def counted(work: Work, source: str, origin: Origin) -> frozenset[str]:
    """The partitions whose wholes are counted from kept values: those whose own rows are."""
    plan = work.run.plan
    if not plan.shared_of(source, work.grain):
        return frozenset()
    merged = {label for some in origin.merged.values() for label in some}
    return frozenset(work.labels) if work.grain is plan.grains[0] else frozenset(merged)


def wholes(work: Work, source: str, labels: tuple[str, ...], into: Places) -> None:
    """Put counts of wholes of some partitions into the collections of these."""
    staged, target = _where(work)
    for of, stages in emit.over_wholes(work.run.plan, work.grain, source, labels, staged, target):
        _put(work, source, stages, into[of])


def reach(work: Work, source: str, labels: tuple[str, ...], into: Places) -> None:
    """Put counts of what some partitions reach back to where their parts, or those of wholes, are."""
    run, (staged, target) = work.run, _where(work)
    for of, stages in emit.over_values(run.plan, work.grain, source, labels, staged, target, run.as_of):
        _put(work, source, stages, into[of])


def _where(work: Work) -> tuple[tuple[str, ...], str]:
    """The partitions whose values are staged, and the collection of stored ones; empty: none are kept."""
    run = work.run
    place = of_values(run.plan, run.targets)
    return run.partitions.get(run.plan.grains[0], ()), "" if place is None else place.collection


def _put(work: Work, source: str, stages: Stages, name: str) -> None:
    """Run a pipeline on the staged values, into a collection of parts."""
    session = work.session
    into = emit.merge(Ref(session.target.name, name))
    with translating(f"counting kept values of {source} by {work.grain.value}"):
        inside(work, source, session.target[work.values], stages, [*stages, *into], None)

"""Balances that are carried always, and cohorts: what is kept of each key is gone on from, and made anew."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta

from dashpipe.compile import emit
from dashpipe.compile.emit import Ref, Standing
from dashpipe.compile.plan import Leaf, Running
from dashpipe.run import route, staging, state, window
from dashpipe.run.base import Run, Session
from dashpipe.run.transform import parts
from dashpipe.run.transform.known import Known, start
from dashpipe.run.transform.work import Work, inside, yielded

_DAY = timedelta(days=1)


def fill(work: Work, leaf: Leaf, standing: Standing, chunks: Iterable[tuple[str, ...]], name: str) -> None:
    """Put what a leaf is beside the parts of the rows, from a state and the documents beside it.

    Args:
        work: The work.
        leaf: The balances, or the cohorts.
        standing: The state.
        chunks: The partitions, some at a time.
        name: The collection of parts.
    """
    run, session = work.run, work.session
    running = run.plan.running_apart(leaf, work.grain)
    assert running is not None
    first = window.first_instant(run.subject, running.by)
    early = None if work.known.has_none_before(run, leaf.source, first) else start(run, running.by)
    gathered = state.staging(run.subject.id, run.id, "newer", work.grain, session.lease.fence)
    for labels in chunks:
        staging.make(session, gathered)
        stages = emit.newer(run.plan, work.grain, leaf, labels, standing, early, run.as_of)
        if stages:
            yielded(work, leaf.source, stages, gathered, fresh=True)
            into = Ref(session.target.name, name)
            again = emit.carried_on(run.plan, work.grain, leaf, labels, standing, run.as_of, into)
            inside(work, leaf.source, session.target[gathered], again, again, None)
        session.target.drop_collection(gathered)


def make(
    run: Run, session: Session, known: Known, one: Running, held: Standing | None, last: date, name: str
) -> None:
    """Make the next generation, from one that holds and the documents since, or from all since the start."""
    gathered = state.staging(run.subject.id, run.id, "kept", run.plan.grains[0], session.lease.fence)
    staging.make(session, gathered)
    after = start(run, one.by) if held is None else date.fromisoformat(held.reach) + _DAY
    stages = emit.of_days(run.plan, one, after, last)
    way = known.routes[one.source]
    if way == route.SERVER:
        reader = route.reader(run, session, one.source, way)
        parts.merge(run, session, reader, [*stages, *emit.merge(Ref(session.target.name, gathered))])
    else:
        for batch in parts.fetch(run, session, one.source, stages):
            parts.insert(session, gathered, batch)
    again = emit.gathered(run.plan, one, held, session.lease.fence, Ref(session.target.name, name))
    parts.merge(run, session, session.target[gathered], again)
    session.target.drop_collection(gathered)

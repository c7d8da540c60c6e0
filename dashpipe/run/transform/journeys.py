"""Conversions of a grain: the events of both sources brought together, counted on the rows of the base."""

from __future__ import annotations

from dashpipe.compile import emit
from dashpipe.compile.emit import Places, Ref
from dashpipe.run import staging, state
from dashpipe.run.transform.work import Work, inside, yielded


def fill(
    work: Work,
    source: str,
    labels: tuple[str, ...],
    into: Places,
    *,
    beside: bool = False,
) -> bool:
    """Put what follows from a source's events beside the parts of some partitions; say whether anything does.

    Args:
        work: The work.
        source: The source of the base events.
        labels: The partitions.
        into: The collections of parts.
        beside: Count what covers time beside the rows' partitions; else what is of just these.
    """
    run, session = work.run, work.session
    found = emit.journeys(run.plan, work.grain, source, beside=beside)
    for at, (journey, leaves) in enumerate(found):
        events = state.staging(run.subject.id, run.id, f"events{at}", work.grain, session.lease.fence)
        staging.make(session, events)
        for one, stages in emit.events(run.plan, journey, leaves, work.grain, labels, run.as_of):
            yielded(work, one, stages, events, fresh=True)
        for of, stages in emit.attributed(run.plan, journey, leaves, work.grain, labels, run.as_of):
            merge = emit.merge(Ref(session.target.name, into[of]))
            inside(work, source, session.target[events], stages, [*stages, *merge], None)
        session.target.drop_collection(events)
    return bool(found)

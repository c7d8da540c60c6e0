"""What leaves cover beside a row's own partition and key: from what is stored of days, or from the source."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from itertools import product

from dashpipe.compile import emit, periods
from dashpipe.compile.emit import Days, Of, Places, Ref, Standing
from dashpipe.compile.plan import Leaf, SourcePlan
from dashpipe.run import encode, operation, staging, state
from dashpipe.run.errors import translating
from dashpipe.run.transform import apart, grouped, journeys, parts, running, values
from dashpipe.run.transform.days import able
from dashpipe.run.transform.origin import Origin
from dashpipe.run.transform.work import Work, inside, yielded

#: Partitions (or days of them) a pipeline: each group is held against the covers of all of them.
_CHUNK = 32


def fill(work: Work, name: str, origins: Mapping[str, Origin]) -> tuple[dict[str, Origin], dict[Of, str]]:
    """Put what leaves reach back to beside the parts of the rows, and the parts of wholes where these go.

    What is made of the values of days is put beside the parts of the rows too.

    Args:
        work: The work; its parts have all that is of their own partition and key.
        name: The collection of parts.
        origins: Where these come from, by source.

    Returns:
        Where it came from, by source, and the collection of each whole.
    """
    run, session = work.run, work.session
    wholes: dict[Of, str] = {}
    for at, of in enumerate(emit.wholes(run.plan, work.grain)):
        kind = f"whole{at}"
        wholes[of] = state.staging(run.subject.id, run.id, kind, work.grain, session.lease.fence)
        staging.make(session, wholes[of])
    days = _days(work, name)
    into = emit.places(name, wholes, days)
    if not run.subject.hidden_keys:
        reached = _computed(work, into, days, origins)
    elif any(one.framed_at(work.grain) for one in run.plan.sources):
        with grouped.hidden(work, (*wholes, *days)) as places:
            reached = _computed(work, places, days, origins)
            grouped.reached(work, places, into)
    else:
        reached = {}
    for each, collection in days.items():
        with translating(f"finishing the days of grain {work.grain.value}"):
            made = [*emit.over_days(run.plan, work.grain, each), *emit.merge(Ref(session.target.name, name))]
            parts.merge(run, session, session.target[collection], made)
        session.target.drop_collection(collection)
    for of, collection in wholes.items():
        with translating(f"merging {work.grain.value} over {', '.join(of) or 'all rows'}"):
            for stages in emit.of_parts(run.plan, work.grain, of, Ref(session.target.name, collection)):
                session.lease.check()
                options = operation.options(run, "transform")
                session.target[name].aggregate(encode.to_bson(stages), **options)
    return reached, wholes


def _computed(
    work: Work, into: Places, days: Mapping[Days, str], origins: Mapping[str, Origin]
) -> dict[str, Origin]:
    """Compute what leaves cover, from what is stored and from the sources, and say where it came from."""
    length = _length(work) if days else 1
    framed = (one for one in work.run.plan.sources if one.framed_at(work.grain))
    return {one.name: _of_source(work, one, into, origins[one.name], length) for one in framed}


def _of_source(work: Work, source: SourcePlan, into: Places, origin: Origin, length: int) -> Origin:
    """The same of one source."""
    run, grain = work.run, work.grain
    with translating(f"looking whether what {source.name} reaches back to may be merged"):
        standing = running.standing(run, work.known, source.name, grain)
        held = able(work, source.name, standing)
    followed = _followed(work, source.name)
    going = {leaf.id for leaf, _ in followed}
    if not going.issuperset(leaf.id for leaf in source.framed_at(grain) if leaf.goes_on):
        held = frozenset()
    counted = values.counted(work, source.name, origin)
    for merging, shared in product((False, True), repeat=2):
        mine = (label for label in work.labels if (label in held, label in counted) == (merging, shared))
        for some in _chunks(tuple(mine), length):
            for its, stages in emit.scans(
                run.plan,
                grain,
                source.name,
                some,
                merging=merging,
                counted=shared,
                as_of=run.as_of,
                without=going,
            ):
                yielded(work, source.name, stages, into[its], fresh=its is emit.PAIRS)
            if not merging:
                journeys.fill(work, source.name, some, into, beside=True)
    for leaf, kept in followed:
        apart.fill(work, leaf, kept, _chunks(work.labels), into[None])
    for leaf in emit.retained(run.plan, grain, source.name):
        for some in _chunks(work.labels) if leaf.id not in going else ():
            yielded(work, source.name, emit.cohorts(run.plan, grain, leaf, some, run.as_of), into[None])
    for some in _chunks(_among(work.labels, counted)):
        values.wholes(work, source.name, some, into)
    for some in _chunks(_among(work.labels, held), length):
        _merge(work, source.name, some, into, standing)
        values.reach(work, source.name, some, into)
    stored = held if any(leaf.frame.reaches for leaf in source.framed_at(grain)) else counted
    left = tuple(label for label in work.labels if label not in stored)
    return Origin(left, {grain: _among(work.labels, stored)} if stored else {})


def _followed(work: Work, source: str) -> list[tuple[Leaf, Standing]]:
    """The leaves of a source that go on from what is kept of each key, and from what."""
    found = []
    for leaf in emit.followed(work.run.plan, work.grain, source):
        with translating(f"looking whether {leaf.label} of {source} may go on"):
            kept = running.standing_apart(work.run, work.known, leaf, work.grain)
        if kept is not None:
            found.append((leaf, kept))
    return found


def _among(labels: tuple[str, ...], some: frozenset[str]) -> tuple[str, ...]:
    return tuple(label for label in labels if label in some)


def _days(work: Work, name: str) -> dict[Days, str]:
    """A collection for the parts of days, with one for each day of each row."""
    run, session = work.run, work.session
    made: dict[Days, str] = {}
    for at, of in enumerate(emit.days(run.plan, work.grain)):
        made[of] = state.staging(run.subject.id, run.id, f"days{at}", work.grain, session.lease.fence)
        staging.make(session, made[of])
        into = emit.merge(Ref(session.target.name, made[of]))
        with translating(f"listing the days of grain {work.grain.value}"):
            for some in _chunks(work.labels, _length(work)):
                each = emit.days_of(run.plan, work.grain, of, some, run.as_of)
                parts.merge(run, session, session.target[name], [*each, *into])
    return made


def _length(work: Work) -> int:
    """How many days a partition has, about."""
    first = periods.first_day(work.grain, date(2024, 7, 1), work.run.subject.calendar)
    return (periods.next_day(work.grain, first, work.run.subject.calendar) - first).days


def _merge(
    work: Work,
    source: str,
    labels: tuple[str, ...],
    parts_of: Places,
    standing: Standing | None,
) -> None:
    """Merge partitions from the states of days: of this run where it has them, else published.

    What is of all time goes on from a running state, where there is one.
    """
    run, session = work.run, work.session
    how = run.plan.merging(source, work.grain)
    assert how is not None
    ours = parts_of[None] if how.atom is work.grain else work.staged[how.atom]
    target = run.targets[how.atom].collection
    staged = run.partitions[how.atom]
    for its, stages in emit.over_states(
        run.plan, work.grain, source, labels, staged, target, run.as_of, standing
    ):
        into = Ref(session.target.name, parts_of[its])
        inside(work, source, session.target[ours], stages, [*stages, *emit.merge(into)], None)


def _chunks(labels: tuple[str, ...], length: int = 1) -> Iterator[tuple[str, ...]]:
    """Some partitions at a time, or so many that they have about as many days."""
    size = max(1, _CHUNK // length)
    for at in range(0, len(labels), size):
        yield labels[at : at + size]

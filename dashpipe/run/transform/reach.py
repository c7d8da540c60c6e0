"""What leaves cover beside a row's own partition and key: from stored states of days, or from the source."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, timedelta

from dashpipe.compile import emit, partition, periods
from dashpipe.compile.emit import Days, Of, Places, Ref, Standing
from dashpipe.compile.frame import Cover, covers
from dashpipe.compile.plan import Leaf, Merged
from dashpipe.run import encode, operation, state, window
from dashpipe.run.base import Run
from dashpipe.run.errors import translating
from dashpipe.run.transform import balances, grouped, journeys, parts, running
from dashpipe.run.transform.origin import Origin, is_empty, whole
from dashpipe.run.transform.work import Work, inside, yielded
from dashpipe.spec.model import Grain

#: Partitions (or days of them) a pipeline: each group is held against the covers of all of them.
_CHUNK = 32

_DAY = timedelta(days=1)


def fill(work: Work, name: str) -> tuple[dict[str, Origin], dict[Of, str]]:
    """Put what leaves reach back to beside the parts of the rows, and the parts of wholes where these go.

    What is made of the values of days is put beside the parts of the rows too.

    Args:
        work: The work; its parts have all that is of their own partition and key.
        name: The collection of parts.

    Returns:
        Where it came from, by source, and the collection of each whole.
    """
    run, session = work.run, work.session
    wholes: dict[Of, str] = {}
    for at, of in enumerate(emit.wholes(run.plan, work.grain)):
        kind = f"whole{at}"
        wholes[of] = state.staging(run.subject.id, run.id, kind, work.grain, session.lease.fence)
        session.target.create_collection(wholes[of])
    days = _days(work, name)
    into = emit.places(name, wholes, days)
    if not run.subject.hidden_keys:
        reached = _computed(work, into, days)
    elif any(one.framed_at(work.grain) for one in run.plan.sources):
        with grouped.hidden(work, (*wholes, *days)) as places:
            reached = _computed(work, places, days)
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


def _computed(work: Work, into: Places, days: Mapping[Days, str]) -> dict[str, Origin]:
    """Compute what leaves reach back to, from states and from the sources, and say where it came from."""
    run = work.run
    length = _length(work) if days else 1
    reached: dict[str, Origin] = {}
    for one in run.plan.sources:
        framed = one.framed_at(work.grain)
        if not framed:
            continue
        with translating(f"looking whether what {one.name} reaches back to may be merged"):
            standing = running.standing(run, work.known, one.name, work.grain)
            able = _able(work, one.name, standing)
        followed = _followed(work, one.name)
        going = {leaf.id for leaf, _ in followed}
        if any(not leaf.merges and leaf.frame.reaches and leaf.id not in going for leaf in framed):
            able = frozenset()
        from_source = tuple(label for label in work.labels if label not in able)
        from_states = tuple(label for label in work.labels if label in able)
        reached[one.name] = Origin(from_source, {work.grain: from_states} if from_states else {})
        for labels, merging in ((from_source, False), (from_states, True)):
            for some in _chunks(labels, length):
                for its, stages in emit.scans(
                    run.plan, work.grain, one.name, some, merging=merging, as_of=run.as_of, without=going
                ):
                    yielded(work, one.name, stages, into[its], fresh=its is emit.PAIRS)
                if not merging:
                    journeys.fill(work, one.name, some, into, beside=True)
        for leaf, kept in followed:
            balances.fill(work, leaf, kept, _chunks(work.labels), into[None])
        for leaf in emit.retained(run.plan, work.grain, one.name):
            for some in _chunks(work.labels):
                yielded(work, one.name, emit.cohorts(run.plan, work.grain, leaf, some, run.as_of), into[None])
        for some in _chunks(from_states, length):
            _merge(work, one.name, some, into, standing)
    return reached


def _followed(work: Work, source: str) -> list[tuple[Leaf, Standing]]:
    """The balances of a source that go on from what is kept of each key, and from what."""
    found = []
    for leaf in emit.followed(work.run.plan, work.grain, source):
        with translating(f"looking whether what {source} carries may go on"):
            kept = running.standing_apart(work.run, work.known, leaf, work.grain)
        if kept is not None:
            found.append((leaf, kept))
    return found


def _days(work: Work, name: str) -> dict[Days, str]:
    """A collection for the parts of days, with one for each day of each row."""
    run, session = work.run, work.session
    made: dict[Days, str] = {}
    for at, of in enumerate(emit.days(run.plan, work.grain)):
        made[of] = state.staging(run.subject.id, run.id, f"days{at}", work.grain, session.lease.fence)
        session.target.create_collection(made[of])
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


def _able(work: Work, source: str, standing: Standing | None) -> frozenset[str]:
    """The partitions that reach back only to days whose states are at hand, or merged in a running state."""
    run, grain = work.run, work.grain
    how = run.plan.merging(source, grain)
    if how is None:
        return frozenset()
    taken: dict[str, list[Cover]] = {label: [] for label in work.labels}
    late: dict[str, list[Cover]] = {label: [] for label in work.labels}
    merging = (leaf for leaf in run.plan.source(source).framed_at(grain) if leaf.merges)
    for frame in {leaf.frame for leaf in merging if leaf.frame.reaches}:
        found = covers(frame, grain, work.labels, run.subject.calendar, run.as_of)
        for cover in found:
            taken[cover.label].append(cover)
        for cover in emit.after(standing, found) if standing is not None and frame.runs_on else found:
            late[cover.label].append(cover)
    first = window.first_instant(run.subject, how.atom)
    start = partition.local_date(first, run.subject.timezone)
    endless = {label for label, some in late.items() if any(one.start is None for one in some)}
    if endless and work.known.has_pruned(run, how.atom):  # no need to look at all days since the first
        late = {label: some for label, some in late.items() if label not in endless}
    atoms = {label: _atoms(run, how.atom, some, start) for label, some in late.items()}
    good = _good(work, how, {one for some in atoms.values() for one in some})
    early = {label for label, some in taken.items() if any(_begins_before(one, start) for one in some)}
    if early and not work.known.has_none_before(run, source, first):
        atoms = {label: some for label, some in atoms.items() if label not in early}
    able: set[str] = set()
    for label, some in atoms.items():
        lacking = tuple(one for one in some if one not in good)
        ahead = all(partition.bounds(how.atom, one, run.subject.calendar)[0] >= run.as_of for one in lacking)
        if not lacking or (
            ahead and is_empty(run, work.session, source, how.atom, lacking, work.routes[source])
        ):
            able.add(label)
    return frozenset(able)


def _good(work: Work, how: Merged, atoms: set[str]) -> frozenset[str]:
    """The days (or hours) whose states are in this run's staging, or published, over and whole."""
    run = work.run
    staged = frozenset(run.partitions.get(how.atom, ()))
    source = run.plan.source(how.source)
    framed = (leaf for leaf in source.framed_at(how.grain) if leaf.merges)
    needed = [leaf.base or "" for leaf in framed if leaf.frame.of is None]
    others = sorted(atoms - staged)
    stored = whole(run, work.session, source.name, how.atom, others, [*needed, source.presence.id])
    return staged | stored


def _atoms(run: Run, atom: Grain, some: Iterable[Cover], start: date) -> tuple[str, ...]:
    """The days (or hours) that covers take, from the first that is written on."""
    found: dict[str, None] = {}
    for one in some:
        day = start if one.start is None else max(one.start, start)
        while day < one.end:
            if atom is Grain.DAY:
                found[day.isoformat()] = None
            else:
                found.update(
                    (name, None) for name, _, _ in partition.hours_of(day, run.subject.calendar.timezone)
                )
            day += _DAY
        found.update((hour, None) for hour in one.hours if hour[:10] >= start.isoformat())
    return tuple(found)


def _begins_before(cover: Cover, start: date) -> bool:
    hours = any(hour[:10] < start.isoformat() for hour in cover.hours)
    return hours or cover.start is None or (cover.start < start and cover.start < cover.end)


def _chunks(labels: tuple[str, ...], length: int = 1) -> Iterator[tuple[str, ...]]:
    """Some partitions at a time, or so many that they have about as many days."""
    size = max(1, _CHUNK // length)
    for at in range(0, len(labels), size):
        yield labels[at : at + size]

"""Of which partitions all that they reach back to is at hand: as states of days, and as values that are kept.

Both or neither, so that no row mixes two truths. A day counts where this run has computed it, or where it is
published, over, and holds the leaves; one that was pruned, or never computed with them, does not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from dashpipe.compile import emit, partition
from dashpipe.compile.covers import Cover, covers
from dashpipe.compile.emit import Standing
from dashpipe.compile.frame import Frame
from dashpipe.compile.plan import Merged
from dashpipe.run import window
from dashpipe.run.base import Run
from dashpipe.run.transform.known import start
from dashpipe.run.transform.origin import is_empty, whole
from dashpipe.run.transform.work import Work
from dashpipe.spec.model import Grain

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class _Need:
    """What must be at hand of days (or hours).

    ``leaves`` are those whose states or values are read, of what ``covers`` take; ``rest`` are what these
    take beside a running state, else the same.
    """

    source: str
    atom: Grain
    leaves: tuple[str, ...]
    covers: tuple[Cover, ...]
    rest: tuple[Cover, ...]


def able(work: Work, source: str, standing: Standing | None) -> frozenset[str]:
    """The partitions that reach back only to what is at hand, or merged in a running state."""
    how = work.run.plan.merging(source, work.grain)
    if how is None:
        return frozenset()
    lacking = {label for need in _needs(work, how, standing) for label in _lacking(work, need)}
    return frozenset(work.labels) - lacking


def _needs(work: Work, how: Merged, standing: Standing | None) -> Iterator[_Need]:
    run, source = work.run, work.run.plan.source(how.source)

    def taken(frames: Iterable[Frame], beside: Standing | None) -> tuple[list[Cover], list[Cover]]:
        every: list[Cover] = []
        rest: list[Cover] = []
        for frame in frames:
            found = covers(frame, how.grain, work.labels, run.subject.calendar, run.as_of)
            every += found
            rest += emit.after(beside, found) if beside is not None and frame.runs_on else found
        return every, rest

    merging = [leaf for leaf in source.framed_at(how.grain) if leaf.frame.reaches and leaf.merges]
    if merging:
        needed = [
            leaf.base or "" for leaf in source.framed_at(how.grain) if leaf.merges and leaf.frame.of is None
        ]
        every, rest = taken({leaf.frame for leaf in merging}, standing)
        ids = (*needed, source.presence.id)
        yield _Need(source.name, how.atom, ids, tuple(every), tuple(rest))
    if how.counted:
        every, rest = taken({leaf.frame for leaf in how.counted}, None)
        ids = tuple(leaf.base or "" for leaf in how.counted)
        yield _Need(source.name, run.plan.grains[0], ids, tuple(every), tuple(rest))


def _lacking(work: Work, need: _Need) -> Iterator[str]:
    """The partitions of which something is not at hand."""
    run, session, way = work.run, work.session, work.routes[need.source]
    first, day = window.first_instant(run.subject, need.atom), start(run, need.atom)
    rest: dict[str, list[Cover]] = {}
    for one in need.rest:
        rest.setdefault(one.label, []).append(one)
    endless = {one.label for one in need.rest if one.start is None}
    if endless and work.known.has_pruned(run, need.atom):  # no need to look at all days since the first
        yield from endless
        rest = {label: some for label, some in rest.items() if label not in endless}
    atoms = {label: _atoms(run, need.atom, some, day) for label, some in rest.items()}
    good = _good(work, need, {one for some in atoms.values() for one in some})
    early = {one.label for one in need.covers if _begins_before(one, day)}
    if early and work.known.has_none_before(run, need.source, first):
        early = set()
    for label, some in atoms.items():
        lacking = tuple(one for one in some if one not in good)
        ahead = all(partition.bounds(need.atom, one, run.subject.calendar)[0] >= run.as_of for one in lacking)
        there = not lacking or (ahead and is_empty(run, session, need.source, need.atom, lacking, way))
        if label in early or not there:
            yield label


def _good(work: Work, need: _Need, atoms: set[str]) -> frozenset[str]:
    """The days (or hours) that are in this run's staging, or published, over and whole."""
    run = work.run
    staged = frozenset(run.partitions.get(need.atom, ()))
    others = sorted(atoms - staged)
    return staged | whole(run, work.session, need.source, need.atom, others, need.leaves)


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

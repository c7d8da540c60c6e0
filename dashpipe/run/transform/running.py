"""Running states: which one a run may go on from, and the next one.

A *running state* of a source is what the stored states of all its days (or hours) up to one day merge to, a
document a key. A generation of such documents is made at once, under a number of its own (the fence of the
transform that made it), and never changed. A *stamp*, one document beside them, says which generation counts:
the last day that it takes, its leaves, the first day that is written, how many documents it has.

**Nothing takes a running state back: one that does not hold any more is recognised.** It was merged from rows
that were published at a fence below its own. Whoever changes such a row first marks its partition in the
ledger, with a higher fence, in a transaction under the lease (``ledger.mark_loading``), whatever spec it runs
by. So a state holds exactly while no partition up to its day is anything but published, or was marked by a
higher fence. Pruning takes rows, not what they were: a published partition keeps its fence, and one that was
to be computed again gets a higher one. A run that is killed at any point leaves it right or recognisable:

- before the ledger is marked, no row has changed: the state holds;
- from then on until it is published, the partition is not published: the state does not hold;
- after it is published, its fence is higher: the state does not hold, until a new one is made.

A run goes on from a state only if it computes no day that the state takes. The next one reaches to the day
before the oldest that the run computes: it takes none that the lookback restates, and the next daily run
finds it standing. It is made of published rows alone, so it is right whether or not the run gets to its end.
Load writes it under the fence, first the documents, then the stamp; documents without a stamp are not read.
It is made anew only once it is some days behind, since that writes a document a key.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

from dashpipe.compile import emit, partition
from dashpipe.compile.emit import Ref, Standing
from dashpipe.compile.frame import Cover, covers
from dashpipe.compile.plan import Running
from dashpipe.run import ledger, state, window
from dashpipe.run.base import Run, Session
from dashpipe.run.errors import translating
from dashpipe.run.transform import parts
from dashpipe.run.transform.known import Known, start
from dashpipe.run.transform.origin import whole
from dashpipe.spec.model import Grain

Document = dict[str, Any]

#: How many days a running state may be behind before it is made anew, by what it is merged from.
BEHIND = {Grain.DAY: 7, Grain.HOUR: 1}

_DAY = timedelta(days=1)


def standing(run: Run, known: Known, source: str, grain: Grain) -> Standing | None:
    """The running state that what a grain has of all time may go on from; ``None``: there is none."""
    how = run.plan.merging(source, grain)
    one = None if how is None else run.plan.running_of(source, how.atom)
    if one is None:
        return None
    last = _last(run, one, [grain])
    return None if last is None else _up_to(known.held(run, one), last)


def advance(run: Run, session: Session, known: Known) -> Document:
    """Make the next running states, once all grains of a run are computed.

    Returns:
        ``staging`` (their collection), ``made`` (of each new one ``source``, ``grain``, ``gen``, ``reach``,
        ``n``) and ``over`` (of those that will not hold, and that no new one replaces, ``source`` and
        ``grain``); empty where nothing is kept running.
    """
    if not run.plan.running:
        return {}
    name = state.staging(run.subject.id, run.id, "state", run.plan.grains[0], session.lease.fence)
    made: list[Document] = []
    over: list[Document] = []
    for one in run.plan.running:
        about = {"source": one.source, "grain": one.atom.value}
        last = _last(run, one, run.plan.grains)
        if last is None:
            continue
        held = _up_to(known.held(run, one), last)
        behind = None if held is None else (last - date.fromisoformat(held.reach)).days
        if behind is not None and behind < BEHIND[one.atom]:
            continue
        if _mergeable(run, session, known, one, held, last):
            gen = session.lease.fence
            if not made:
                session.target.create_collection(name)
            _make(run, session, one, held, last, gen, name)
            mine = emit.of_generation(one.source, one.atom, gen)
            n = session.target[name].count_documents(mine)
            made.append({**about, "gen": gen, "reach": last.isoformat(), "n": n})
        elif held is None:
            over.append(about)
    return {"staging": name, "made": made, "over": over}


def _last(run: Run, one: Running, grains: Iterable[Grain]) -> date | None:
    """The last day that a state may take for these grains: what they compute takes all of it, and more.

    That is before the oldest day that the run computes. ``None`` where it computes nothing of all time.
    """
    edges = [date.fromisoformat(label[:10]) for label in run.partitions.get(one.atom, ())]
    taken: list[Cover] = []
    for grain in grains:
        how = run.plan.merging(one.source, grain)
        if how is None or how.atom is not one.atom:
            continue
        for frame in {leaf.frame for leaf in run.plan.source(one.source).framed_at(grain) if leaf.runs_on}:
            labels = run.partitions.get(grain, ())
            taken += covers(frame, grain, labels, run.subject.calendar, run.as_of)
    if not taken:
        return None
    return min([*edges, *(cover.end - _DAY for cover in taken)]) - _DAY


def _up_to(held: Standing | None, last: date) -> Standing | None:
    """A running state, if it reaches no further than a day."""
    return None if held is None or held.reach > last.isoformat() else held


def _mergeable(
    run: Run, session: Session, known: Known, one: Running, held: Standing | None, last: date
) -> bool:
    """Whether all days up to one, from a running state on, are published, and none lies before the first."""
    first = start(run, one.atom)
    if last < first:
        return False
    if held is None:
        end = partition.midnight(last + _DAY, run.subject.timezone)
        # Where days were pruned, or are to be made again, that is seen without a look at all of the others.
        others = (ledger.FAILED, ledger.LOADED, ledger.PRUNED, ledger.STALE)
        if ledger.any_in(session.target, run.subject.id, one.atom, others, end):
            return False
    if not known.has_none_before(run, one.source, window.first_instant(run.subject, one.atom)):
        return False
    day = first if held is None else date.fromisoformat(held.reach) + _DAY
    labels: list[str] = []
    while day <= last:
        hours = (name for name, _, _ in partition.hours_of(day, run.subject.calendar.timezone))
        labels += [day.isoformat()] if one.atom is Grain.DAY else hours
        day += _DAY
    source = run.plan.source(one.source)
    needed = {leaf.id for leaf in one.leaves} | {source.presence.id}
    return len(whole(run, session, one.source, one.atom, labels, needed)) == len(labels)


def _make(
    run: Run, session: Session, one: Running, held: Standing | None, last: date, gen: int, name: str
) -> None:
    into = Ref(session.target.name, name)
    stages = emit.advanced(run.plan, one, held, last.isoformat(), gen, into)
    with translating(f"merging the running state of {one.source}"):
        parts.merge(run, session, session.collection(run.targets[one.atom]), stages)

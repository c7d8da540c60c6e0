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

Of balances that are carried always the last value of each key is kept instead, made of the documents of the
days up to one. The same holds of it. All these days are published when the documents are read, so it has what
their rows have, or more; and whatever comes or goes later is in the rows of its own day, too, only once a run
has computed that day again, which marks it.

Of cohorts the first day of each entity is kept, made and held in the same way. It only tells who was there
before the oldest cohort that a run computes: what comes after is read from the documents in any case. So its
day need not lie before the cohorts, which are restated for many periods, but only before the days of the run;
and one state serves all metrics that follow an entity, at any grain.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

from dashpipe.compile import emit, partition
from dashpipe.compile.covers import Cover, covers
from dashpipe.compile.emit import Ref, Standing
from dashpipe.compile.frame import Frame
from dashpipe.compile.plan import Leaf, Running
from dashpipe.run import ledger, staging, state, window
from dashpipe.run.base import Run, Session
from dashpipe.run.errors import translating
from dashpipe.run.transform import apart, parts
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


def standing_apart(run: Run, known: Known, leaf: Leaf, grain: Grain) -> Standing | None:
    """The state that a leaf of a grain, which does not merge, may go on from; ``None``: there is none."""
    one = run.plan.running_apart(leaf, grain)
    last = None if one is None else _last(run, one, [grain])
    return None if one is None or last is None else _up_to(known.held(run, one), last)


def advance(run: Run, session: Session, known: Known) -> Document:
    """Make the next running states, once all grains of a run are computed.

    Returns:
        ``made`` (of each new one ``source``, ``grain``, ``gen``, ``reach``, ``n``, and ``staging``, its
        collection) and ``over`` (of those that will not hold, and that no new one replaces, ``source`` and
        ``grain``); empty where nothing is kept running.
    """
    if not run.plan.running:
        return {}
    made: list[Document] = []
    over: list[Document] = []
    for at, one in enumerate(run.plan.running):
        about = {"source": one.name, "grain": one.atom.value}
        last = _last(run, one, run.plan.grains)
        if last is None:
            continue
        held = _up_to(known.held(run, one), last)
        behind = None if held is None else (last - date.fromisoformat(held.reach)).days
        if behind is not None and behind < BEHIND[one.atom]:
            continue
        if _mergeable(run, session, known, one, held, last):
            gen = session.lease.fence
            name = state.staging(run.subject.id, run.id, f"state{at}", one.by, gen)
            staging.make(session, name)
            with translating(f"merging the running state of {one.source}"):
                make = apart.make if one.apart else _make
                make(run, session, known, one, held, last, name)
            mine = emit.of_generation(one.name, one.atom, gen)
            n = session.target[name].count_documents(mine)
            made.append({**about, "gen": gen, "reach": last.isoformat(), "n": n, "staging": name})
        elif held is None:
            over.append(about)
    return {"made": made, "over": over}


def _last(run: Run, one: Running, grains: Iterable[Grain]) -> date | None:
    """The last day that a state may take for these grains: what they compute takes all of it, and more.

    That is before the oldest day that the run computes. ``None`` where it computes nothing of all time.
    """
    edges = [date.fromisoformat(label[:10]) for label in run.partitions.get(one.by, ())]
    taken = [
        _before(one, cover)
        for grain in grains
        for frame in _frames(run, one, grain)
        for cover in covers(frame, grain, run.partitions.get(grain, ()), run.subject.calendar, run.as_of)
    ]
    return min([*edges, *taken]) - _DAY if taken else None


def _frames(run: Run, one: Running, grain: Grain) -> set[Frame]:
    """The frames of a grain's leaves that go on from a state."""
    framed = run.plan.source(one.source).framed_at(grain)
    if one.apart:
        ids = {each.id for each in framed}
        return {leaf.frame for leaf in one.leaves if leaf.id in ids and leaf.frame.atom(grain) is one.atom}
    how = run.plan.merging(one.source, grain)
    if how is None or how.atom is not one.atom:
        return set()
    return {leaf.frame for leaf in framed if leaf.runs_on}


def _before(one: Running, cover: Cover) -> date:
    """The day that a state must lie before for a cover; of balances, the first of the partition itself."""
    return date.fromisoformat(cover.own[:10]) if one.apart and cover.own else cover.end - _DAY


def _up_to(held: Standing | None, last: date) -> Standing | None:
    """A running state, if it reaches no further than a day."""
    return None if held is None or held.reach > last.isoformat() else held


def _mergeable(
    run: Run, session: Session, known: Known, one: Running, held: Standing | None, last: date
) -> bool:
    """Whether all days up to one, from a running state on, are published, and none lies before the first.

    What is made of documents leaves those before the first to the runs that go on from it.
    """
    first = start(run, one.by)
    if last < first:
        return False
    end = partition.midnight(last + _DAY, run.subject.timezone)
    if held is None:
        # Where days were pruned, or are to be made again, that is seen without a look at all of the others.
        others = (ledger.FAILED, ledger.LOADED, ledger.PRUNED, ledger.STALE)
        if ledger.any_in(session.target, run.subject.id, one.by, others, end):
            return False
    instant = window.first_instant(run.subject, one.by)
    if not one.apart and not known.has_none_before(run, one.source, instant):
        return False
    since = first if held is None else date.fromisoformat(held.reach) + _DAY
    begin = max(instant, partition.midnight(since, run.subject.timezone))
    labels = partition.touching(one.by, begin, end, run.subject.calendar)
    source = run.plan.source(one.source)
    needed = set() if one.apart else {source.presence.id, *(leaf.id for leaf in one.leaves)}
    return len(whole(run, session, one.source, one.by, labels, needed)) == len(labels)


def _make(
    run: Run, session: Session, _: Known, one: Running, held: Standing | None, last: date, name: str
) -> None:
    into = Ref(session.target.name, name)
    stages = emit.advanced(run.plan, one, held, last.isoformat(), session.lease.fence, into)
    parts.merge(run, session, session.collection(run.targets[one.atom]), stages)

"""What is of hidden keys: staged apart until what is looked up is found, then merged into parts of rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from dashpipe.compile import emit
from dashpipe.compile.emit import Beside, Places
from dashpipe.run import staging, state
from dashpipe.run.transform import lookups
from dashpipe.run.transform.work import Work, inside


@contextmanager
def hidden(work: Work, beside: Iterable[Beside] = ()) -> Iterator[Places]:
    """Staging for what is of hidden keys, dropped in the end: parts of the rows' keys, of others, and values.

    Args:
        work: The work.
        beside: What parts are of beside the rows' own keys.
    """
    run, session = work.run, work.session
    places: Places = {}
    for at, of in enumerate((None, *beside, emit.PAIRS)):
        kind = f"hidden{at}"
        places[of] = state.staging(run.subject.id, run.id, kind, work.grain, session.lease.fence)
        staging.make(session, places[of])
    yield places
    for name in places.values():
        session.target.drop_collection(name)


def own(work: Work, labels: tuple[str, ...], places: Places, name: str) -> None:
    """Look up, and merge what partitions have of their own into the parts of their rows."""
    _merged(work, labels, places, {None: name}, emit.grouped)


def reached(work: Work, places: Places, into: Places) -> None:
    """Look up, and merge what leaves cover beside that."""
    _merged(work, work.labels, places, into, emit.regrouped)


def _merged(
    work: Work,
    labels: tuple[str, ...],
    places: Places,
    into: Places,
    groupings: Callable[..., list[emit.Grouping]],
) -> None:
    run, session = work.run, work.session
    for name in places.values():
        lookups.fill(run, session, work.grain, name, work.lookups, grouped=True)
    for one in groupings(run.plan, work.grain, labels, work.lookups):
        reader = session.target[places[emit.PAIRS if one.pairs else one.of]]
        merge = emit.merge(emit.Ref(session.target.name, into[one.of]))
        inside(work, one.source, reader, one.stages, [*one.stages, *merge], None)

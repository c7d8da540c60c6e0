"""One grain of a run, from documents or finer states to rows in staging."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from dashpipe.compile import emit, partition
from dashpipe.compile.emit import Ref, Stages
from dashpipe.run import route, staging, state
from dashpipe.run.base import Run
from dashpipe.run.errors import translating
from dashpipe.run.transform import dependants, fill, grouped, journeys, origin, parts, problems, reach, values
from dashpipe.run.transform import lookups as looked
from dashpipe.run.transform.origin import Origin
from dashpipe.run.transform.work import Work, fetch, inside, yielded
from dashpipe.spec.model import Grain

if TYPE_CHECKING:
    from pymongo.collection import Collection

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Computed:
    """A grain in staging.

    Attributes:
        run: The run, with the partitions that depend on what changed.
        rows: How many rows there are.
        origins: Where they came from, by source.
        reached: Where what their leaves reach back to came from, by source.
    """

    run: Run
    rows: int
    origins: Mapping[str, Origin]
    reached: Mapping[str, Origin]


def compute(work: Work) -> Computed:
    """Fill the staging collection of a grain.

    Raises:
        RunError: A row cannot be written: names its key.
    """
    run, session = work.run, work.session
    origins: dict[str, Origin] = {}
    reached: dict[str, Origin] = {}
    for one in run.plan.sources:
        with translating(f"looking whether {work.grain.value} of {one.name} may be merged"):
            origins[one.name] = origin.decide(run, session, one.name, work.grain, work.routes[one.name])
    if work.labels and (_decides(work) or not _directly(work, origins)):
        work, origins, reached = _by_parts(work, origins)
    rows = problems.count(work.run, session, work.grain, work.rows)
    if not rows and not staging.exist(session, (work.rows,)):
        staging.make(session, work.rows)  # some servers make none of an empty result
    return Computed(work.run, rows, origins, reached)


def _decides(work: Work) -> bool:
    """Whether the states of this grain tell which further partitions are to be computed."""
    plan = work.run.plan
    return work.grain is plan.grains[0] and (plan.reaches or plan.follows)


def _finalise(work: Work, wholes: Mapping[emit.Of, str] | None = None) -> Stages:
    late = partition.incomplete(work.grain, work.labels, work.run.as_of, work.run.subject.calendar)
    return emit.finalise(work.run.plan, work.grain, late, work.lookups, None, wholes)


def _directly(work: Work, origins: Mapping[str, Origin]) -> bool:
    """Compute rows in one pipeline, where one scan gives whole parts; else say no."""
    run, session = work.run, work.session
    if not emit.direct(run.plan, work.grain):
        return False
    source = run.plan.sources[0].name
    scanned, merged = origins[source].scanned, origins[source].merged
    if (scanned and merged) or len(merged) > 1:
        return False
    if scanned:
        (stages,) = emit.scan(run.plan, work.grain, source, scanned, None)
        if work.routes[source] == route.CURSOR:
            fetch(work, source, stages, _finalise(work), work.rows, fresh=True)
            return True
        reader = route.reader(run, session, source, route.SERVER)
    else:
        ((finer, labels),) = merged.items()
        reader, stages = _merged(work, source, finer, labels)
    inside(work, source, reader, stages, [*stages, *_finalise(work)], work.rows)
    return True


def _by_parts(work: Work, origins: dict[str, Origin]) -> tuple[Work, dict[str, Origin], dict[str, Origin]]:
    """Compute the parts of every source side by side, look up, and make rows of them."""
    session = work.session
    name = state.staging(work.run.subject.id, work.run.id, "parts", work.grain, session.lease.fence)
    staging.make(session, name)
    _brought(work, name, work.labels, origins, fresh=True)
    asked = fresh = work.labels
    while fresh:
        before = work.labels
        if _decides(work):
            work = replace(work, run=dependants.extended(work, name, fresh, asked=fresh == asked))
        work = replace(work, run=fill.extended(work, name, fresh))
        fresh = tuple(one for one in work.labels if one not in before)
        if fresh:
            origins = {source: Origin(work.labels) for source in origins}
            _brought(work, name, fresh, dict.fromkeys(origins, Origin(fresh)), fresh=False)
    fill.fill(work, name)
    reached, wholes = reach.fill(work, name, origins)
    looked.fill(work.run, session, work.grain, name, work.lookups)
    with translating(f"finishing the rows of grain {work.grain.value}"):
        parts.replace(work.run, session, session.target[name], _finalise(work, wholes), work.rows)
    for one in (name, *wholes.values()):
        session.target.drop_collection(one)
    return work, origins, reached


def _brought(
    work: Work, name: str, labels: tuple[str, ...], origins: Mapping[str, Origin], *, fresh: bool
) -> None:
    """As ``_own``, by what is looked up where rows are grouped by it."""
    if not work.run.subject.hidden_keys:
        _own(work, name, labels, origins, fresh=fresh)
        return
    with grouped.hidden(work) as places:
        _own(work, places[None], labels, origins, fresh=True)
        for source in origins:
            for stages in emit.pairs(work.run.plan, work.grain, source, labels):
                yielded(work, source, stages, places[emit.PAIRS], fresh=True)
        grouped.own(work, labels, places, name)


def _own(
    work: Work, name: str, labels: tuple[str, ...], origins: Mapping[str, Origin], *, fresh: bool
) -> None:
    """Put the parts that partitions have of their own documents into the collection of parts."""
    run, session = work.run, work.session
    for batch in parts.batches(emit.spine(run.plan, labels), session.setup.batch_size):
        parts.insert(session, name, batch)
        fresh = False
    for source, one in origins.items():
        for stages in emit.scan(run.plan, work.grain, source, one.scanned, None) if one.scanned else ():
            yielded(work, source, stages, name, fresh=fresh)
            fresh = False
        if one.scanned:
            fresh = not journeys.fill(work, source, one.scanned, {None: name}) and fresh
        if one.scanned and run.plan.kept_at(source, work.grain):
            values.bring(work, source, one.scanned)
            fresh = not values.count(work, source, one.scanned, name) and fresh
        for finer, some in one.merged.items():
            reader, stages = _merged(work, source, finer, some)
            into = Ref(session.target.name, name)
            inside(work, source, reader, stages, [*stages, *emit.merge(into)], None)
            values.count(work, source, some, name)
            fresh = False


def _merged(
    work: Work, source: str, finer: Grain, labels: tuple[str, ...]
) -> tuple[Collection[Document], Stages]:
    """The finer grain's staging, and the pipeline that merges partitions from it and from published rows."""
    run = work.run
    staged, target = run.partitions.get(finer, ()), run.targets[finer].collection
    stages = emit.rollup(run.plan, work.grain, finer, source, labels, staged, target, None)
    return work.session.target[work.staged[finer]], stages

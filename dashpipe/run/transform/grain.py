"""One grain of a run, from documents or finer states to rows in staging."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pymongo.errors import OperationFailure

from dashpipe.compile import emit, partition
from dashpipe.compile.emit import Ref, Stages
from dashpipe.run import encode, operation, route, state
from dashpipe.run.base import Run, Session
from dashpipe.run.errors import translating
from dashpipe.run.transform import lookups as looked
from dashpipe.run.transform import origin, parts, problems
from dashpipe.run.transform.origin import Origin
from dashpipe.spec.model import Grain

if TYPE_CHECKING:
    from pymongo.collection import Collection

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Work:
    """What computing one grain needs: where its rows go, what is staged, which way each source goes."""

    run: Run
    session: Session
    grain: Grain
    rows: str
    staged: Mapping[Grain, str]
    routes: Mapping[str, str]
    lookups: dict[str, str]

    @property
    def labels(self) -> tuple[str, ...]:
        """The partitions to compute."""
        return self.run.partitions.get(self.grain, ())


def compute(work: Work) -> tuple[int, dict[str, Origin]]:
    """Fill the staging collection of a grain, and say how many rows it has and where they came from.

    Raises:
        RunError: A row cannot be written: names its key.
    """
    run, session = work.run, work.session
    origins: dict[str, Origin] = {}
    for one in run.plan.sources:
        with translating(f"looking whether {work.grain.value} of {one.name} may be merged"):
            origins[one.name] = origin.decide(run, session, one.name, work.grain, work.routes[one.name])
    if work.labels and not _directly(work, origins):
        _by_parts(work, origins)
    if work.rows not in session.target.list_collection_names(filter={"name": work.rows}):
        session.target.create_collection(work.rows)  # some servers make none of an empty result
    return problems.count(run, session, work.grain, work.rows), origins


def _finalise(work: Work) -> Stages:
    late = partition.incomplete(work.grain, work.labels, work.run.as_of, work.run.subject.calendar)
    return emit.finalise(work.run.plan, work.grain, late, work.lookups, None)


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
            _fetch(work, source, stages, _finalise(work), work.rows, fresh=True)
            return True
        reader = route.reader(run, session, source, route.SERVER)
    else:
        ((finer, labels),) = merged.items()
        reader, stages = _merged(work, source, finer, labels)
    _inside(work, source, reader, stages, [*stages, *_finalise(work)], work.rows)
    return True


def _by_parts(work: Work, origins: Mapping[str, Origin]) -> None:
    """Compute the parts of every source side by side, look up, and make rows of them."""
    run, session = work.run, work.session
    name = state.staging(run.subject.id, run.id, "parts", work.grain, session.lease.fence)
    session.target.create_collection(name)
    into, fresh = Ref(session.target.name, name), True
    spine = emit.spine(run.plan, work.labels)
    for batch in parts.batches(spine, session.setup.batch_size):
        parts.insert(session, name, batch)
        fresh = False
    for source, one in origins.items():
        server = work.routes[source] == route.SERVER
        for stages in emit.scan(run.plan, work.grain, source, one.scanned, None) if one.scanned else ():
            if server:
                reader = route.reader(run, session, source, route.SERVER)
                _inside(work, source, reader, stages, [*stages, *emit.merge(into)], None)
            else:
                _fetch(work, source, stages, [], name, fresh=fresh)
            fresh = False
        for finer, labels in one.merged.items():
            reader, stages = _merged(work, source, finer, labels)
            _inside(work, source, reader, stages, [*stages, *emit.merge(into)], None)
            fresh = False
    looked.fill(run, session, name, work.lookups)
    with translating(f"finishing the rows of grain {work.grain.value}"):
        parts.replace(run, session, session.target[name], _finalise(work), work.rows)
    session.target.drop_collection(name)


def _merged(
    work: Work, source: str, finer: Grain, labels: tuple[str, ...]
) -> tuple[Collection[Document], Stages]:
    """The finer grain's staging, and the pipeline that merges partitions from it and from published rows."""
    run = work.run
    staged, target = run.partitions.get(finer, ()), run.targets[finer].collection
    stages = emit.rollup(run.plan, work.grain, finer, source, labels, staged, target, None)
    return work.session.target[work.staged[finer]], stages


def _inside(
    work: Work, source: str, reader: Collection[Document], scan: Stages, whole: Stages, into: str | None
) -> None:
    """Run a pipeline inside the cluster, into staging or into what its own last stage says."""
    with translating(f"computing {work.grain.value} of {source}"):
        try:
            if into is None:
                parts.merge(work.run, work.session, reader, whole)
            else:
                parts.replace(work.run, work.session, reader, whole, into)
        except OperationFailure as error:
            _explain(work, source, reader, scan, error)
            raise


def _fetch(work: Work, source: str, scan: Stages, more: Stages, into: str, *, fresh: bool) -> None:
    """Run a pipeline on the source's own cluster and bring over what it yields, in batches."""
    run, session = work.run, work.session
    with translating(f"reading {work.grain.value} of {source}"):
        try:
            for batch in parts.fetch(run, session, source, [*scan, *more]):
                if fresh:
                    parts.insert(session, into, batch)
                else:
                    parts.join(session, into, batch)
        except OperationFailure as error:
            _explain(work, source, route.reader(run, session, source, route.CURSOR), scan, error)
            raise


def _explain(
    work: Work, source: str, reader: Collection[Document], scan: Stages, error: OperationFailure
) -> None:
    """Where a sum leaves 64 bits, or the server cannot estimate, say so; else leave it to the caller."""
    problems.refuse_estimates(work.run.plan, work.grain, source, error)
    leaves = problems.wide_sums(work.run.plan, work.grain, source)
    if not leaves or error.code in (13, 50):
        return
    options = operation.options(work.run, "transform")
    try:
        found = list(reader.aggregate(encode.to_bson(problems.in_doubles(scan, leaves)), **options))
    except OperationFailure:
        return  # it failed for another reason
    if found:
        raise problems.too_wide(found[0], leaves) from error

"""What computing one grain works with, and how its pipelines run: inside the cluster, or read in batches."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pymongo.errors import OperationFailure

from dashpipe.compile import emit
from dashpipe.compile.emit import Ref, Stages
from dashpipe.compile.lowering import lowered
from dashpipe.run import route, united
from dashpipe.run.base import Run, Session
from dashpipe.run.errors import translating
from dashpipe.run.transform import parts, problems
from dashpipe.run.transform.known import Known
from dashpipe.spec.model import Grain

if TYPE_CHECKING:
    from pymongo.collection import Collection

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Work:
    """What computing one grain needs: where its rows go, what is staged, which way each source goes.

    ``values`` is the staging collection of kept values; empty where none are kept. ``known`` is what the
    transform has found out.
    """

    run: Run
    session: Session
    grain: Grain
    rows: str
    staged: Mapping[Grain, str]
    routes: Mapping[str, str]
    lookups: dict[str, str]
    known: Known
    values: str = ""

    @property
    def labels(self) -> tuple[str, ...]:
        """The partitions to compute."""
        return self.run.partitions.get(self.grain, ())


def yielded(work: Work, source: str, stages: Stages, into: str, *, fresh: bool = False) -> None:
    """Put the parts that a pipeline on a source yields beside those in a collection of parts.

    Args:
        work: The work.
        source: The source.
        stages: The pipeline.
        into: The collection of parts.
        fresh: Whether it is empty yet.
    """
    run, session = work.run, work.session
    if work.routes[source] == route.SERVER:
        reader = route.reader(run, session, source, route.SERVER)
        target = Ref(session.target.name, into)
        inside(work, source, reader, stages, [*stages, *emit.merge(target)], None)
    else:
        fetch(work, source, stages, [], into, fresh=fresh)


def inside(
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


def fetch(work: Work, source: str, scan: Stages, more: Stages, into: str, *, fresh: bool) -> None:
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
    """Where a sum leaves 64 bits, say so; else leave it to the caller."""
    leaves = problems.wide_sums(work.run.plan, work.grain, source)
    if not leaves or error.code in (13, 50):
        return
    yielding = problems.in_doubles([one for one in scan if "$merge" not in one], leaves)
    try:
        stages = lowered(yielding, work.run.lacking)
        found = united.aggregate(work.run, work.session, reader, stages, "transform")
    except OperationFailure:
        return  # it failed for another reason
    if found:
        raise problems.too_wide(found[0], leaves) from error

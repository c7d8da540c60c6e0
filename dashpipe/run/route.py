"""Which way a source's documents go: computed inside the cluster, or read by the run's process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dashpipe.run.base import Run, Session

if TYPE_CHECKING:
    from pymongo.collection import Collection

Document = dict[str, Any]

SERVER, CURSOR = "server", "cursor"


def of(run: Run, session: Session) -> dict[str, str]:
    """The route of each source.

    ``server`` where it is on the target's cluster and the target's user may read it, else ``cursor``.
    """
    connections = session.setup.connections
    target = run.subject.target.connection
    return {
        name: SERVER
        if connections.same_cluster(place.connection, target) and connections.may_read(target, place)
        else CURSOR
        for name, place in run.sources.items()
    }


def reader(run: Run, session: Session, source: str, route: str) -> Collection[Document]:
    """The collection of a source, as the user who reads it on that route."""
    place = run.sources[source]
    connection = run.subject.target.connection if route == SERVER else place.connection
    collection = session.setup.connections.client(connection)[place.database][place.collection]
    if run.plan.source(source).source.read != "secondary":
        return collection
    from pymongo import ReadPreference

    return collection.with_options(read_preference=ReadPreference.SECONDARY_PREFERRED)

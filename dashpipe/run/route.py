"""Which way a source's documents go: computed inside the cluster, or read by the run's process."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from dashpipe.run.base import Place, Run, Session
from dashpipe.spec import mongo

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
        if connections.same_cluster(place.connection, target)
        and all(connections.may_read(target, one) for one in _read(run, name, place))
        else CURSOR
        for name, place in run.sources.items()
    }


def _read(run: Run, source: str, place: Place) -> list[Place]:
    """The collections that the scans of a source read: its own, and those that it prepares from."""
    stages = [json.loads(one) for one in run.plan.source(source).source.prepare]
    return [place, *(replace(place, collection=one) for one in mongo.looked_up(stages))]


def reader(run: Run, session: Session, source: str, route: str) -> Collection[Document]:
    """The collection of a source, as the user who reads it on that route."""
    place = run.sources[source]
    connection = run.subject.target.connection if route == SERVER else place.connection
    collection = session.setup.connections.client(connection)[place.database][place.collection]
    if run.plan.source(source).source.read != "secondary":
        return collection
    from pymongo import ReadPreference

    return collection.with_options(read_preference=ReadPreference.SECONDARY_PREFERRED)

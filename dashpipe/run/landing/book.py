"""The state of landings, in the target's database.

In ``dashpipe_landings``:

- a document a collection: ``seq`` grows with each batch that changed it, and landed documents carry the
  number of the batch that wrote them last. Each batch writes this one, so batches commit one after another.
- one a file: its ``version`` (content and how it is read), up to which ``row`` it is landed, whether it is
  ``done``.
- one a source that reads the collection: up to which ``seq`` it has seen changes.

In ``dashpipe_landings_moves``: the times of documents before they changed or vanished, a document a batch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dashpipe.compile import advice
from dashpipe.run import lease, state
from dashpipe.run.base import Place, Run, Session
from dashpipe.run.errors import Refused
from dashpipe.run.guarded import guarded
from dashpipe.run.landing.identity import LANDED

if TYPE_CHECKING:
    from pymongo.client_session import ClientSession

Document = dict[str, Any]


def prepare(run: Run, session: Session, source: str) -> None:
    """Make the collection ready, with the indexes that landing and reading need.

    Raises:
        Refused: It is dashpipe's own, or holds documents that were not landed.
    """
    place = run.sources[source]
    landings, collection = session.target[state.LANDINGS], session.collection(place)
    if place.collection.startswith(state.PREFIX):
        raise Refused(
            f"{source} would land in {place.collection}, a name that belongs to dashpipe's own state",
            "give `collection` another name",
        )
    if landings.find_one({"_id": place.collection}, {"_id": 1}) is None:
        foreign = collection.find_one({LANDED: {"$exists": False}}, {"_id": 1})
        if foreign is not None:
            raise Refused(
                f"the collection {place.collection} holds documents that were not landed, such as the one "
                f"with _id {foreign['_id']!r}",
                f"give {source} a collection of its own: landing removes what its files do not hold",
            )
    collection.create_index([(f"{LANDED}.file", 1), (f"{LANDED}.version", 1)])
    collection.create_index([(f"{LANDED}.seq", 1)])
    collection.create_index(list(advice.of_source(run.plan.source(source)).fields))
    session.target[state.MOVES].create_index([("collection", 1), ("seq", 1)])
    landings.create_index([("collection", 1)])
    blank = {"kind": "collection", "collection": place.collection, "seq": 0}
    landings.update_one({"_id": place.collection}, {"$setOnInsert": blank}, upsert=True)


def files(session: Session, place: Place) -> dict[str, Document]:
    """The state of each file that was landed in a collection, by name."""
    found = session.target[state.LANDINGS].find({"collection": place.collection, "kind": "file"})
    return {one["file"]: one for one in found}


def file_id(place: Place, name: str) -> str:
    """The ``_id`` of a file's state."""
    return f"{place.collection}|file|{name}"


def note(session: Session, place: Place, name: str, fields: Document) -> None:
    """Set fields of a file's state."""

    def work(client: ClientSession | None) -> None:
        note_in(client, session, place, name, fields)

    guarded(session, work)


def note_in(
    client: ClientSession | None, session: Session, place: Place, name: str, fields: Document
) -> None:
    """``note`` among other guarded writes."""
    own = {"kind": "file", "collection": place.collection, "file": name}
    session.target[state.LANDINGS].update_one(
        {"_id": file_id(place, name)},
        {"$set": {**own, **fields, "at": lease.server_time(session.target)}},
        upsert=True,
        session=client,
    )


def forget(session: Session, place: Place, name: str) -> None:
    """Remove the state of a file."""

    def work(client: ClientSession | None) -> None:
        session.target[state.LANDINGS].delete_one({"_id": file_id(place, name)}, session=client)

    guarded(session, work)

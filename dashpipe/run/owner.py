"""Who owns a target: one subject version and grain a collection, kept in ``dashpipe_targets``.

A collection is refused as a target where another subject owns it, where a subject reads it as a source, and
where it holds documents that are not ours. Claims of all subjects go one after another, so that of two which
want the same collection at once one is refused.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pymongo.errors import DuplicateKeyError

from dashpipe.compile.plan import Plan
from dashpipe.run import state
from dashpipe.run.base import Place, Session
from dashpipe.run.errors import Refused, translating
from dashpipe.run.guarded import guarded
from dashpipe.run.places import Places
from dashpipe.spec.model import Subject

if TYPE_CHECKING:
    from pymongo.client_session import ClientSession

Document = dict[str, Any]

#: The one document that every claim writes to, so that two cannot commit side by side.
_TURN = "claims"


def claim(session: Session, plan: Plan, places: Places) -> None:
    """Make the subject the owner of its target collections; claiming again changes nothing.

    Args:
        session: The session of the step, under the subject's lease.
        plan: The subject's plan.
        places: Where its sources and targets are.

    Raises:
        Refused: A target is not fit; nothing was written.
    """
    subject = plan.subject
    with translating("checking the targets"):
        _fit(places.owned)
        wanted = _wanted(session, subject, places)
        targets = session.target[state.TARGETS]
        known = {one["_id"]: one for one in targets.find({"_id": {"$in": list(wanted)}})}
        if known == wanted:
            return
        _check(session, subject, places, None)
        for place in places.owned.values():
            if known.get(f"collection:{place.collection}", {}).get("subject") != subject.id:
                _empty_or_ours(session, place)
        with contextlib.suppress(DuplicateKeyError):
            targets.insert_one({"_id": _TURN, "kind": "claims", "turn": 0})

        def work(client: ClientSession | None) -> None:
            targets.update_one({"_id": _TURN}, {"$inc": {"turn": 1}}, session=client)
            _check(session, subject, places, client)
            for key, document in wanted.items():
                targets.replace_one({"_id": key}, document, upsert=True, session=client)

        guarded(session, work)
    session.setup.log(
        "owner",
        subject=subject.id,
        collections=[place.collection for place in places.owned.values()],
        database=session.target.name,
    )


def _fit(owned: Mapping[str, Place]) -> None:
    for what, place in owned.items():
        if place.collection.startswith((state.PREFIX, "system.")):
            taken = "dashpipe's own state" if place.collection.startswith(state.PREFIX) else "the server"
            raise Refused(
                f"the target of grain {what}, {place.collection}, has a name that belongs to {taken}",
                "give `target.collection` another name",
            )


def _wanted(session: Session, subject: Subject, places: Places) -> dict[str, Document]:
    """The documents that say what the subject owns and reads, by ``_id``."""
    documents: dict[str, Document] = {}
    for what, place in places.owned.items():
        key = f"collection:{place.collection}"
        documents[key] = {
            "_id": key,
            "kind": "collection",
            "collection": place.collection,
            "subject": subject.id,
            "version": subject.version,
            "grain": what,
        }
    key = f"sources:{subject.id}"
    read = sorted({_whole(session, place) for place in places.sources.values()})
    documents[key] = {"_id": key, "kind": "sources", "subject": subject.id, "places": read}
    return documents


def _whole(session: Session, place: Place) -> str:
    """A place whatever connection leads there: cluster, database and collection."""
    cluster = ",".join(session.setup.connections.identity(place.connection))
    return f"{cluster}/{place.database}.{place.collection}"


def _check(session: Session, subject: Subject, places: Places, client: ClientSession | None) -> None:
    """Refuse what another claim, or the subject's own sources, stand against."""
    targets = session.target[state.TARGETS]
    own = {_whole(session, place): place.collection for place in places.owned.values()}
    ids = [f"collection:{name}" for name in own.values()]
    other = targets.find_one({"_id": {"$in": ids}, "subject": {"$ne": subject.id}}, session=client)
    if other is not None:
        raise Refused(
            f"the collection {other['collection']} is the target of {other['subject']} "
            f"(grain {other['grain']})",
            f"give {subject.id} another `target.collection`; where {other['subject']} is retired, drop the "
            f"collection and remove `{other['_id']}` from {state.TARGETS}",
        )
    read = {_whole(session, place): (name, place.collection) for name, place in places.sources.items()}
    for whole, (name, collection) in read.items():
        if whole in own:
            raise Refused(
                f"the target {collection} is the source {name} of the same subject",
                "give `target.collection` another name",
            )
    reader = targets.find_one(
        {"kind": "sources", "subject": {"$ne": subject.id}, "places": {"$in": list(own)}}, session=client
    )
    if reader is not None:
        taken = next(own[whole] for whole in reader["places"] if whole in own)
        raise Refused(
            f"the target {taken} is a source of {reader['subject']}",
            f"give `target.collection` another name; where {reader['subject']} is retired, remove "
            f"`{reader['_id']}` from {state.TARGETS}",
        )
    base = _whole(session, next(iter(places.targets.values()))).rpartition(".")[0]
    here = [f"collection:{name}" for whole, (_, name) in read.items() if whole == f"{base}.{name}"]
    fed = targets.find_one({"_id": {"$in": here}}, session=client)
    if fed is not None:
        raise Refused(
            f"the source collection {fed['collection']} is the target of {fed['subject']}",
            "read what that subject reads, not its rows: they change while a run reads them",
        )


def _empty_or_ours(session: Session, place: Place) -> None:
    """Refuse a collection with documents that no run wrote; read whole, but only before a first claim."""
    foreign = session.collection(place).find_one({"_meta.run_id": {"$exists": False}}, {"_id": 1})
    if foreign is not None:
        raise Refused(
            f"the target {place.collection} holds documents that are not ours, "
            f"such as the one with _id {foreign['_id']!r}",
            "give `target.collection` another name, or move these documents away",
        )

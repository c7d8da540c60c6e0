"""What a server can do, told by known answers; probed once a server build and kept in the target database."""

from __future__ import annotations

import contextlib
import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from bson.decimal128 import Decimal128
from pymongo.errors import PyMongoError

from dashpipe.compile.capabilities import DOCUMENT, PROBES
from dashpipe.run import encode, state

if TYPE_CHECKING:
    from pymongo.collection import Collection
    from pymongo.database import Database

Document = dict[str, Any]

#: Capabilities that need a write to be seen, and what a run does instead.
WRITES: Mapping[str, str] = {
    "guarded_merge": "rows are written by the client in transactions, which is slower",
    "transactions": "a late run is held off by its fence alone, and publish removes what it left",
}

#: What it costs where ``shows_operations`` says no.
HIDDEN = "the last write of a run that died is waited out (a minute) before another run writes"


def capabilities(database: Database[Document]) -> Mapping[str, bool]:
    """Capability → whether the server has it, from the stored answers of its build, else probed now."""
    build = _build(database)
    stored = database[state.CAPABILITIES].find_one({"_id": build})
    names = {*(one.name for one in PROBES), *WRITES}
    if stored is not None and set(stored.get("has", ())) == names:
        return dict(stored["has"])
    has = probe(database)
    database[state.CAPABILITIES].update_one({"_id": build}, {"$set": {"has": has}}, upsert=True)
    return has


def probe(database: Database[Document]) -> dict[str, bool]:
    """Run every probe; a wrong answer counts as lacking."""
    with _scratch(database) as scratch:
        has = {one.name: _answers(scratch, one.stages, one.answer) for one in PROBES}
        has["guarded_merge"] = _guarded_merge(scratch)
        has["transactions"] = _transactions(scratch)
        return has


def readable(collection: Collection[Document], name: str) -> bool:
    """Whether the server of a collection has a capability, asked without a write.

    Where the collection has no documents there is nothing to compute, so nothing is lacking.
    """
    one = next(each for each in PROBES if each.name == name)
    alone = ({"$limit": 1}, {"$replaceWith": {"$literal": DOCUMENT}})
    return (
        _answers(collection, (*alone, *one.stages), one.answer) or collection.find_one({}, {"_id": 1}) is None
    )


def shows_operations(database: Database[Document]) -> bool:
    """Whether the server shows an operation of another connection, with its comment, while it runs.

    Asked only where a run died while it wrote, and kept with the other answers of the server's build.
    """
    build = _build(database)
    stored = database[state.CAPABILITIES].find_one({"_id": build}) or {}
    if "shows" not in stored:
        with _scratch(database) as scratch:
            stored = {"shows": _current_op(scratch)}
        database[state.CAPABILITIES].update_one({"_id": build}, {"$set": stored}, upsert=True)
    return bool(stored["shows"])


@contextlib.contextmanager
def _scratch(database: Database[Document]) -> Iterator[Collection[Document]]:
    """A collection with the one document that probes run over, dropped at the end."""
    scratch = database[f"{state.PREFIX}probe_{uuid.uuid4().hex[:12]}"]
    scratch.insert_one(encode.to_bson(DOCUMENT))
    try:
        yield scratch
    finally:
        scratch.drop()


def _answers(scratch: Any, stages: tuple[Document, ...], answer: tuple[Document, ...]) -> bool:
    try:
        found = list(scratch.aggregate(_named(encode.to_bson(list(stages)), scratch.name)))
    except PyMongoError:
        return False
    return [_exact(one) for one in found] == [_exact(encode.to_bson(one)) for one in answer]


def _named(value: Any, name: str) -> Any:
    """Stages with the scratch collection's name where they say ``$SCRATCH``."""
    if isinstance(value, dict):
        return {key: _named(one, name) for key, one in value.items()}
    if isinstance(value, list):
        return [_named(one, name) for one in value]
    return name if value == "$SCRATCH" else value


def _exact(value: Any) -> Any:
    """A value in which a decimal equals only its own digits, and a number only its own type."""
    if isinstance(value, dict):
        return {key: _exact(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_exact(one) for one in value]
    return str(value) if isinstance(value, Decimal128) else (type(value).__name__, value)


def _guarded_merge(scratch: Any) -> bool:
    """Whether a merge checks another document first, and combines new and stored by its pipeline."""
    guard = [{"$match": {"_id": 1, "n": 3}}]
    keep = [{"$set": {"n": {"$add": ["$n", "$$new.n"]}, "kept": "$s"}}]
    try:
        for wanted in (3, 4):
            guard[0]["$match"]["n"] = wanted
            stages = [
                {"$match": {"_id": 1}},
                {"$lookup": {"from": scratch.name, "pipeline": guard, "as": "_held"}},
                {"$match": {"_held": {"$ne": []}}},
                {"$project": {"n": 1}},
                {
                    "$merge": {
                        "into": scratch.name,
                        "on": "_id",
                        "whenMatched": keep,
                        "whenNotMatched": "insert",
                    }
                },
            ]
            list(scratch.aggregate(stages))
        found = scratch.find_one({"_id": 1})
        return found is not None and found["n"] == 6 and found.get("kept") == DOCUMENT["s"]
    except PyMongoError:
        return False
    finally:
        scratch.update_one({"_id": 1}, {"$set": {"n": 3}})


def _transactions(scratch: Any) -> bool:
    """Whether a transaction that is given up leaves nothing, and one that is committed all."""
    client = scratch.database.client
    try:
        with client.start_session() as session:
            session.start_transaction()
            scratch.insert_one({"_id": 2}, session=session)
            session.abort_transaction()
            session.start_transaction()
            scratch.insert_one({"_id": 3}, session=session)
            session.commit_transaction()
        return [one["_id"] for one in scratch.find({"_id": {"$gt": 1}}, {"_id": 1})] == [3]
    except PyMongoError:
        return False


def _current_op(scratch: Any) -> bool:
    """Whether an operation of another connection is shown with its comment while it runs."""
    mark = f"{state.PREFIX}probe {scratch.name}"
    count = {"$size": {"$filter": {"input": {"$range": [0, 100_000]}, "cond": {"$gt": ["$$this", -1]}}}}

    def work() -> None:
        with contextlib.suppress(PyMongoError):
            list(scratch.aggregate([{"$project": {"n": count}}], comment=mark, maxTimeMS=5_000))

    thread = threading.Thread(target=work)
    thread.start()
    while thread.is_alive():
        try:
            found = scratch.database.client.admin.command({"currentOp": 1, "$ownOps": True})["inprog"]
        except PyMongoError:
            found = []
        if any((one.get("command") or {}).get("comment") == mark for one in found):
            thread.join()
            return True
        time.sleep(0.002)
    return False


def _build(database: Database[Document]) -> str:
    client = database.client
    about, hello = client.admin.command("buildInfo"), client.admin.command("hello")
    kind = "sharded" if hello.get("msg") == "isdbgrid" else "set" if hello.get("setName") else "single"
    return " ".join([str(about.get("version")), str(about.get("gitVersion", "?")), kind])

"""What some work asks of a server: how many commands, how many bytes go over the wire, how much they read.

Time on an embedded server holds what that server takes for a command, which on these builds grows with the
collection. What is counted here does not depend on the server.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

import bson
from pymongo import monitoring
from pymongo.database import Database

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked.

    Attributes:
        commands: Commands that were sent.
        bytes: The size of commands and answers.
        documents: Documents that pass the filters which commands and pipelines begin with.
    """

    commands: int
    bytes: int
    documents: int


class _Listener(monitoring.CommandListener):
    """Keeps commands and the sizes of their answers, while ``seen`` is a list."""

    def __init__(self) -> None:
        self.seen: list[tuple[Document, str]] | None = None
        self.bytes = 0

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        if self.seen is not None:
            self.bytes += len(bson.encode(event.command))
            self.seen.append((copy.deepcopy(dict(event.command)), event.database_name))

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        if self.seen is not None:
            self.bytes += len(bson.encode(event.reply))

    def failed(self, event: monitoring.CommandFailedEvent) -> None:
        """Nothing: work that fails is not measured."""


_LISTENER = _Listener()


def listen() -> None:
    """Hear the commands of every client that is opened from now on."""
    monitoring.register(_LISTENER)


def asked(work: Callable[[], object], database: Callable[[str], Database[Document]]) -> Asked:
    """Do some work and tell what it asked; ``database`` gives one by its name, to count in it afterwards."""
    _LISTENER.seen, _LISTENER.bytes = [], 0
    work()
    seen, _LISTENER.seen = _LISTENER.seen, None
    documents = 0
    there: dict[str, set[str]] = {}
    for command, name in seen:
        names = there.setdefault(name, set(database(name).list_collection_names()))
        for collection, wanted, limit in reads(command):
            if collection in names:
                limits = {"limit": limit} if limit else {}
                counted = database(name).command({"count": collection, "query": wanted, **limits})
                documents += counted["n"]
    return Asked(len(seen), _LISTENER.bytes, documents)


def reads(command: Document) -> Iterator[tuple[str, Document, int]]:
    """The collections that a command reads, with the filter and the limit."""
    name, collection = next(iter(command.items()))
    if name == "find":
        yield collection, command.get("filter", {}), command.get("limit", 0)
    if name == "aggregate":
        yield from _of_stages(collection, command["pipeline"])


def _of_stages(collection: str, stages: list[Document]) -> Iterator[tuple[str, Document, int]]:
    filters = [one["$match"] for one in takewhile(lambda one: "$match" in one, stages)]
    limit = next((one["$limit"] for one in stages if "$limit" in one), 0)
    yield collection, {"$and": filters} if filters else {}, limit
    for one in stages:
        if "$unionWith" in one:
            yield from _of_stages(one["$unionWith"]["coll"], one["$unionWith"].get("pipeline", []))

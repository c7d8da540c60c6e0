"""Which commands a run sends, and how many documents they read by their filters.

An embedded server does not say how many documents a command examined, so they are counted by what a command
asks for: with the indexes that runs make or advise, that is what is read.
"""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pymongo import monitoring

from benchmarks.commands import reads
from tests.run.world import World

Document = dict[str, Any]


class Watch(monitoring.CommandListener):
    """The commands of all clients that are made after this module was imported, while it listens."""

    def __init__(self) -> None:
        self.listens = False
        self.seen: list[Document] = []

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        if self.listens:
            self.seen.append(copy.deepcopy(dict(event.command)))

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None: ...

    def failed(self, event: monitoring.CommandFailedEvent) -> None: ...


_WATCH = Watch()
monitoring.register(_WATCH)


@contextmanager
def watching() -> Iterator[list[Document]]:
    """The commands that are sent, in their order; complete once it is left."""
    _WATCH.seen, _WATCH.listens = [], True
    try:
        yield _WATCH.seen
    finally:
        _WATCH.listens = False


def asked(commands: list[Document]) -> Counter[tuple[str, str]]:
    """How often which command was sent to which collection."""
    found: Counter[tuple[str, str]] = Counter()
    for one in commands:
        name, collection = next(iter(one.items()))
        if isinstance(collection, str):
            found[name, collection] += 1
    return found


def documents_read(world: World, commands: list[Document], limited: bool = False) -> Counter[str]:
    """How many documents the commands read of each collection that is still there, by their filters.

    Those that stop at one document are left out, unless ``limited``.
    """
    there = {
        name: database[name]
        for database in (world.source, world.target)
        for name in database.list_collection_names()
    }
    found: Counter[str] = Counter()
    for one in commands:
        for name, wanted, limit in reads(one):
            if name in there and (limited or limit != 1):
                limits = {"limit": limit} if limit else {}
                found[name] += there[name].count_documents(wanted, **limits)
    return found

"""A shop and its databases on the test's server, ready to run."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from pymongo import MongoClient
from pymongo.database import Database

from dashpipe.run import log, probe, state
from dashpipe.run.base import Setup
from tests.run import shop

Document = dict[str, Any]


@dataclass(frozen=True)
class Stage:
    """A source with the shop's documents, and a target."""

    client: MongoClient[Document]
    uri: str
    source: Database[Document]
    target: Database[Document]

    def setup(self, say: log.Log = log.silent, **environ: str) -> Setup:
        """Where a run on this stage happens; each has clients of its own."""
        return shop.make_setup(self.uri, self.source.name, self.target.name, say, **environ)

    def go(self, run_id: str = "", **more: Any) -> Document:
        """A whole run, tried once."""
        setup = self.setup()
        try:
            return shop.go(setup, run_id, **more)
        finally:
            setup.connections.close()

    def rows(self) -> dict[str, Document]:
        """The rows of every target."""
        return shop.rows(self.target)

    @contextmanager
    def copied(self) -> Iterator[Stage]:
        """Another stage with the same source and a copy of the target."""
        name = f"test_{uuid.uuid4().hex[:12]}"
        shop.copy(self.client, self.target.name, name)
        try:
            yield Stage(self.client, self.uri, self.source, self.client[name])
        finally:
            self.client.drop_database(name)


_KNOWN: dict[str, Document] = {}


@contextmanager
def open_stage(client: MongoClient[Document], uri: str) -> Iterator[Stage]:
    """A fresh stage; what the server can do is probed once for all of them."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    source, target = client[f"{name}_source"], client[f"{name}_target"]
    shop.fill(source)
    if uri not in _KNOWN:
        probe.capabilities(target)
        _KNOWN[uri] = target[state.CAPABILITIES].find_one({}) or {}
    else:
        target[state.CAPABILITIES].insert_one(_KNOWN[uri])
    try:
        yield Stage(client, uri, source, target)
    finally:
        client.drop_database(source.name)
        client.drop_database(target.name)

"""How rows are computed by whole runs: the six steps, from the source's documents to the published rows."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from typing import Any

from dashpipe.compile import partition
from dashpipe.run import log, probe, run_all, state
from dashpipe.run.base import Request
from dashpipe.spec.model import Grain, Subject
from dashpipe.spec.naming import collection_name
from tests.differential.documents import Document
from tests.differential.subjects import Case, collection
from tests.run import world as worlds
from tests.run.world import World

_number = itertools.count()

#: When a row was written is not what it says.
_WRITTEN = ("created_at", "updated_at")


@contextmanager
def opened(uri: str, name: str, other: str | None) -> Iterator[World]:
    """A world whose source is on the same server or on another; what the server can do is probed once."""
    made = worlds.make(uri, name, other)
    try:
        probe.capabilities(made.target)
        yield made
    finally:
        worlds.drop(made)


@contextmanager
def loaded(world: World, documents: Mapping[str, list[Document]]) -> Iterator[None]:
    """Documents in the source, nothing in the target; both are empty afterwards."""
    fill(world, documents)
    try:
        yield
    finally:
        for database in (world.source, world.target):
            for name in database.list_collection_names():
                if name != state.CAPABILITIES:
                    database.drop_collection(name)


def fill(world: World, documents: Mapping[str, list[Document]]) -> None:
    """Put documents into the source's collections, in place of those there."""
    for name, some in documents.items():
        world.source.drop_collection(name)
        world.source.create_collection(name)
        if some:
            world.source[name].insert_many(some)


def run(
    world: World, case: Case, subject: Subject | None = None, days: tuple[date, date] | None = None
) -> Any:
    """A whole run over local days."""
    start, end = days or case.days
    request = Request(
        subject or case.subject,
        f"command/{next(_number)}",
        start=start,
        end=end,
        now=case.as_of,
        allow_removal=True,
    )
    setup = replace(world.setup, allow_env=("T_*",), log=log.silent)
    return run_all(request, setup, tries=1)


def published(world: World, subject: Subject, grain: Grain) -> list[Document]:
    """The rows of a grain as a dashboard reads them."""
    name = collection_name(collection(subject.target.collection), grain, subject.version)
    return [
        {key: value for key, value in row.items() if key not in _WRITTEN} for row in world.target[name].find()
    ]


def has_begun(case: Case, days: tuple[date, date]) -> bool:
    """Whether the first of some days begins before the case's instant; a run of later ones is refused."""
    return partition.midnight(days[0], case.subject.timezone) < case.as_of

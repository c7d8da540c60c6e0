"""A subject over a file, and a place to run it in."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

from pymongo import MongoClient
from pymongo.database import Database

from dashpipe.run import log, probe, run_all, state
from dashpipe.run.base import Request, Setup
from dashpipe.spec.model import Dimension, Field, File, Grain, Lookback, Metric, Source, Subject, Target, Time
from tests.run import shop

Document = dict[str, Any]

FILE = File("data/orders.csv", "csv", key=("id",), timezone="Asia/Shanghai")
SOURCE = Source(
    "orders",
    "raw_orders",
    Time("at"),
    connection="target",
    file=FILE,
    fields=(
        Field("id", "integer"),
        Field("shop", "string"),
        Field("pieces", "integer"),
        Field("paid", "decimal"),
        Field("weight", "number"),
    ),
    dimensions=(Dimension("shop"),),
)
SUBJECT = Subject(
    project="shop",
    domain="dash",
    name="orders",
    version=1,
    timezone="Asia/Shanghai",
    start="2024-03-01",
    sources=(SOURCE,),
    metrics=(
        Metric("orders", "count", source="orders"),
        Metric("pieces", "sum", source="orders", expr="pieces"),
        Metric("paid", "sum", source="orders", expr="paid"),
        Metric("weight", "avg", source="orders", expr="weight"),
    ),
    target=Target("dash_orders"),
    dimensions=(Dimension("shop"),),
    grains=(Grain.DAY, Grain.MONTH),
    lookback=Lookback(2),
)

NOW = shop.NOW
COLUMNS = "id,at,shop,pieces,paid,weight"


def of(file: File, **more: Any) -> Subject:
    """The subject over other files."""
    return replace(SUBJECT, sources=(replace(SOURCE, file=file, **more),))


def lines(numbers: Iterator[int] | range, **changed: str) -> list[str]:
    """Orders, a line each: local times without an offset, NULLs, decimals, quotes and line ends in text."""
    made = []
    for number in numbers:
        day, hour = 1 + number % 10, number * 7 % 24
        shop_ = ("north", '"so""uth,\nside"', "", "東")[number % 4]
        pieces = "" if number % 9 == 0 else str(number % 50)
        paid = f"{number}.{number % 100:02d}0"
        row = [str(number), f"2024-03-{day:02d} {hour:02d}:59:59.{number % 1000:03d}", shop_, pieces, paid]
        made.append(changed.get(str(number), ",".join([*row, f"{number / 7!r}"])))
    return made


@dataclass
class Yard:
    """A project's folder and its two databases."""

    folder: Path
    uri: str
    source: Database[Document]
    target: Database[Document]
    allow: tuple[str, ...] = ("data/**",)
    hosts: tuple[str, ...] = ()
    environ: dict[str, str] = field(default_factory=dict)

    def write(self, name: str, content: str | bytes) -> Path:
        """Write a file of the project."""
        place = self.folder / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content.encode() if isinstance(content, str) else content)
        return place

    def setup(self, say: log.Log = log.silent, batch_size: int = 20) -> Setup:
        """Where runs happen."""
        made = shop.make_setup(self.uri, self.source.name, self.target.name, say, **self.environ)
        own = {"allow_files": self.allow, "allow_hosts": self.hosts, "root": self.folder}
        return replace(made, **own, batch_size=batch_size)

    def go(self, subject: Subject = SUBJECT, say: log.Log = log.silent, **more: Any) -> Document:
        """A whole run, of all days where nothing else is said."""
        asked: Document = {"start": date(2024, 3, 1), "end": date(2024, 3, 11), "now": NOW, **more}
        run_id = asked.pop("run_id", f"command/{uuid.uuid4().hex[:8]}")
        setup = self.setup(say)
        try:
            return run_all(Request(subject, run_id, **asked), setup, tries=1)
        finally:
            setup.connections.close()

    def raw(self, collection: str = "raw_orders") -> dict[str, Document]:
        """What is landed, by ``_id``, without what differs between two ways to the same documents."""
        found = {}
        for one in self.target[collection].find():
            one["_landed"].pop("seq")
            found[one["_id"]] = one
        return found

    def rows(self, collection: str = "dash_orders") -> dict[str, Document]:
        """The rows of a target, by ``_id``."""
        own = ("_meta", "created_at", "updated_at", "_state")
        return {
            one["_id"]: {key: value for key, value in one.items() if key not in own}
            for one in self.target[collection].find()
        }

    def stale(self) -> set[tuple[str, str]]:
        """The partitions that are stale."""
        found = self.target[state.PARTITIONS].find({"state": "stale"})
        return {(one["grain"], one["label"]) for one in found}


@contextmanager
def open_yard(client: MongoClient[Document], uri: str, folder: Path) -> Iterator[Yard]:
    """A fresh yard."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    source, target = client[f"{name}_source"], client[f"{name}_target"]
    probe.capabilities(target)
    try:
        yield Yard(folder, uri, source, target)
    finally:
        client.drop_database(source.name)
        client.drop_database(target.name)


@contextmanager
def copied(yard: Yard) -> Iterator[Yard]:
    """Another yard with the same files and a copy of the target."""
    client = yard.target.client
    name = f"{yard.target.name}_copy"
    client.drop_database(name)
    shop.copy(client, yard.target.name, name)
    try:
        yield replace(yard, target=client[name])
    finally:
        client.drop_database(name)

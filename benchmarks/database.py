"""A server of one's own with documents in it, and subjects to run over them."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from pymongo import MongoClient

from benchmarks.specs import SETTINGS
from dashpipe import embedded
from dashpipe.run import run_all
from dashpipe.run.base import Request, Setup
from dashpipe.run.connections import Connections, from_environment
from dashpipe.run.log import silent
from dashpipe.spec.model import Subject
from dashpipe.spec.project import load

Document = dict[str, Any]

#: The documents spread over these days.
START, DAYS = date(2024, 3, 1), 30
COUNTRIES = ("CN", "DE", "ES", "FR", "GB", "IN", "KE", "MX", "US")


@dataclass(frozen=True)
class Bench:
    """A server, a client of it, and a folder for specs."""

    server: embedded.Server
    client: MongoClient[Document]
    folder: Path

    def subjects(self, files: dict[str, str]) -> dict[str, Subject]:
        """Resolve spec files, by subject name."""
        metrics = self.folder / "metrics"
        metrics.mkdir(exist_ok=True)
        for path in metrics.iterdir():
            path.unlink()
        (self.folder / "dashpipe.toml").write_text(SETTINGS, encoding="utf-8")
        for name, text in files.items():
            (metrics / f"{name}.yml").write_text(text, encoding="utf-8")
        resolved = load(self.folder).resolved()
        assert not resolved.findings, resolved.findings
        return {one.name: one for one in resolved.subjects}

    def run(self, subject: Subject, start: date = START, days: int = DAYS) -> None:
        """Run a subject's six steps over some days."""
        uris = {
            "DASHPIPE_SOURCE_URI": self.server.database_uri("source"),
            "DASHPIPE_TARGET_URI": self.server.database_uri("target"),
        }
        connections = Connections(from_environment(uris))
        setup = Setup(connections, {}, (), silent)
        request = Request(
            subject=subject,
            run_id=f"command/{subject.id}",
            kind="command",
            start=start,
            end=start + timedelta(days=days),
        )
        try:
            run_all(request, setup)
        finally:
            connections.close()

    def forget(self) -> None:
        """Drop the target database, so that the next run is a first run."""
        self.client.drop_database("target")


@contextmanager
def bench() -> Iterator[Bench]:
    """Start a server, the native build where there is one."""
    with (
        embedded.start() as server,
        MongoClient[Document](server.uri, tz_aware=True) as client,
        tempfile.TemporaryDirectory() as folder,
    ):
        yield Bench(server, client, Path(folder))


def orders(count: int, seed: int = 1) -> Iterator[Document]:
    """Orders of a shop, over ``DAYS`` days."""
    draw = random.Random(seed)
    first = datetime(START.year, START.month, START.day, tzinfo=timezone.utc)
    for number in range(count):
        yield {
            "_id": number,
            "created_at": first + timedelta(seconds=draw.randrange(DAYS * 86_400)),
            "status": draw.choice(("paid", "paid", "paid", "open", "cancelled")),
            "country": draw.choice(COUNTRIES),
            "channel": draw.choice(("web", "app", "shop")),
            "total": round(draw.uniform(1, 500), 2),
            "items": draw.randrange(1, 9),
            "discount": draw.choice((None, 0.0, 5.0, 10.0)),
            "customer_id": f"c{draw.randrange(20_000):05d}",
        }


def fill(bench: Bench, count: int) -> None:
    """Put so many orders into the source database."""
    collection = bench.client["source"]["orders"]
    collection.drop()
    collection.create_index("created_at")  # the server takes minutes to make one of what is already there
    batch: list[Document] = []
    for one in orders(count):
        batch.append(one)
        if len(batch) == 5_000:
            collection.insert_many(batch, ordered=False)
            batch = []
    if batch:
        collection.insert_many(batch, ordered=False)

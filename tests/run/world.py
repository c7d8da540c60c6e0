"""A small world for the steps: real databases, subjects by hand, runs pinned as extract would."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone
from typing import Any

from pymongo.database import Database

from dashpipe.compile import compile_subject, partition
from dashpipe.run import lease, ledger, places, state
from dashpipe.run.base import Request, Run, Session, Setup, Window
from dashpipe.run.connections import Connections, from_environment
from dashpipe.run.steps.load import load
from dashpipe.run.steps.transform import transform
from dashpipe.run.steps.validate import validate
from dashpipe.spec.model import Dimension, Field, Grain, Metric, Source, Subject, Target, Time

Document = dict[str, Any]

UTC = timezone.utc
AS_OF = datetime(2024, 4, 20, 12, tzinfo=UTC)


def at(day: str, hour: int = 12) -> datetime:
    """An instant of a day, in UTC."""
    return datetime.fromisoformat(f"{day}T{hour:02d}:00:00+00:00")


def count(name: str, source: str = "orders", **keys: Any) -> Metric:
    """A count of documents."""
    return Metric(name, "count", source=source, **keys)


def total(name: str, expr: str, source: str = "orders", **keys: Any) -> Metric:
    """A sum of an expression."""
    return Metric(name, "sum", source=source, expr=expr, **keys)


ORDERS = Source(
    name="orders",
    collection="orders",
    time=Time("at"),
    fields=(
        Field("country", "string"),
        Field("n", "integer"),
        Field("x", "number"),
        Field("price", "decimal"),
    ),
    dimensions=(Dimension("country"),),
)

SUBJECT = Subject(
    project="shop",
    domain="dash",
    name="daily",
    version=1,
    timezone="UTC",
    start="2024-01-01",
    sources=(ORDERS,),
    metrics=(count("orders"), total("items", "n"), total("amount", "x"), total("paid", "price")),
    target=Target(collection="daily"),
    dimensions=(Dimension("country"),),
)


@dataclass
class World:
    """One source and one target database, on one server or on two."""

    source: Database[Document]
    target: Database[Document]
    connections: Connections
    logged: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    batch_size: int = 1000

    def fill(self, documents: list[Document], collection: str = "orders") -> None:
        """Put documents into a source collection, in place of those there."""
        self.source[collection].delete_many({})
        if documents:
            self.source[collection].insert_many([dict(one) for one in documents])

    def run(
        self,
        subject: Subject,
        labels: Mapping[Grain, tuple[str, ...]],
        *,
        run_id: str = "dag/1",
        as_of: datetime = AS_OF,
        **keys: Any,
    ) -> Run:
        """A run pinned to some partitions."""
        plan = compile_subject(subject)
        found = places.find(plan, self.setup)
        ledger.prepare(self.target)
        grain, some = next(iter(labels.items()))
        spans = partition.ranges(grain, some, subject.calendar) or ((as_of, as_of),)
        run = Run(
            id=run_id,
            generation=1,
            subject=subject,
            plan=plan,
            hash="0123456789abcdef",
            as_of=as_of,
            window=Window(spans[0][0], spans[-1][1], "the test"),
            named=True,
            partitions=labels,
            sources=found.sources,
            lookups=found.lookups,
            targets=found.targets,
            receipts={f"extract_{one.name}": {"newest": as_of} for one in subject.sources},
        )
        return replace(run, **keys)

    @property
    def setup(self) -> Setup:
        """Where the runs happen."""
        return Setup(
            connections=self.connections,
            environ={},
            allow_env=(),
            log=lambda event, /, **fields: self.logged.append((event, fields)),
            batch_size=self.batch_size,
        )

    @contextmanager
    def step(self, run: Run, step: str) -> Iterator[Session]:
        """One attempt of a step, under the subject's lease."""
        held = lease.enter(
            self.target, run.subject.id, run.id, step, fenced=step != "extract", log=self.setup.log
        )
        try:
            yield Session(setup=self.setup, request=Request(run.subject, run.id), lease=held)
        finally:
            held.leave(timedelta(hours=1))

    def transform(self, run: Run) -> Run:
        """Compute the run's rows into staging."""
        with self.step(run, "transform") as session:
            receipt = transform(run, session)
        return replace(run, receipts={**run.receipts, "transform": receipt})

    def validate(self, run: Run) -> Document:
        """Check the run's staging."""
        with self.step(run, "validate") as session:
            return validate(run, session)

    def load(self, run: Run) -> Document:
        """Load the run's staging."""
        with self.step(run, "load") as session:
            return load(run, session)

    def whole(self, run: Run) -> Document:
        """Transform and load; the lease is free afterwards."""
        receipt = self.load(self.transform(run))
        self.free(run)
        return receipt

    def free(self, run: Run) -> None:
        """Let any run have the lease."""
        self.target[state.TARGETS].update_one({"_id": run.subject.id}, {"$set": {"holder": None}})

    def staged(self, run: Run, grain: Grain = Grain.DAY) -> list[Document]:
        """The rows in staging, by ``_id``."""
        name = run.receipts["transform"]["staging"][grain.value]
        return list(self.target[name].find().sort("_id", 1))

    def rows(self, collection: str = "daily") -> list[Document]:
        """The rows of a target, by ``_id``."""
        return list(self.target[collection].find().sort("_id", 1))

    def publish(self, run: Run, grain: Grain, labels: tuple[str, ...], **keys: Any) -> None:
        """Say in the ledger that partitions are published, with the leaves that this plan stores."""
        leaves = {
            one.name: sorted(leaf.id for leaf in one.leaves_at(grain) if leaf.merges)
            for one in run.plan.sources
        }
        for label in labels:
            known = {"subject": run.subject.id, "grain": grain.value, "label": label}
            row = {**known, "state": "published", "complete": True, "leaves": leaves, **keys}
            self.target[state.PARTITIONS].replace_one(
                {"_id": ledger.row_id(run.subject.id, grain, label)}, row, upsert=True
            )


def make(uri: str, base: str, other: str | None = None) -> World:
    """A world; its source database is on the same server, or on ``other``."""

    def database(server: str, name: str) -> str:
        head, _, options = server.partition("?")
        return f"{head.rstrip('/')}/{base}_{name}?{options}"

    uris = {
        "DASHPIPE_SOURCE_URI": database(other or uri, "source"),
        "DASHPIPE_TARGET_URI": database(uri, "target"),
    }
    connections = Connections(from_environment(uris))
    return World(connections.database("source"), connections.database("target"), connections)


def drop(world: World) -> None:
    """Drop its databases and close its clients."""
    for one in (world.source, world.target):
        one.client.drop_database(one.name)
    world.connections.close()

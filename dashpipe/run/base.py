"""What the steps of a run share: what was asked for, the pinned run, and the live things of one attempt."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pymongo.collection import Collection
    from pymongo.database import Database

    from dashpipe.compile.plan import Plan
    from dashpipe.run.connections import Connections
    from dashpipe.run.lease import Held
    from dashpipe.run.log import Log
    from dashpipe.spec.model import Grain, Subject

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Request:
    """What asks for a run.

    Attributes:
        subject: The deployed spec: what a new pin takes.
        run_id: Who runs: ``dag_id/run_id``, or ``command/<id>``.
        kind: ``scheduled``, ``manual``, ``backfill``, ``asset`` or ``command``.
        start: The first local date that is asked for by name (``from``).
        end: The local date after the last one (``to``).
        logical_date: The instant of a manual run.
        interval_end: The end of the data interval of a scheduled or backfill run.
        upstream: The ids of the subjects whose publishing started an asset run.
        now: ``--now``; ``None`` is the clock.
        allow_removal: Whether more rows may vanish than ``target.max_removed`` allows.
        again_after: Seconds that retry delays may put between two steps.
    """

    subject: Subject
    run_id: str
    kind: str = "command"
    start: date | None = None
    end: date | None = None
    logical_date: datetime | None = None
    interval_end: datetime | None = None
    upstream: tuple[str, ...] = ()
    now: datetime | None = None
    allow_removal: bool = False
    again_after: float = 0.0


@dataclass(frozen=True, slots=True)
class Setup:
    """Where a run happens: connections, environment and settings.

    Attributes:
        connections: The way to databases, by connection name.
        environ: The environment that ``{env: …}`` values and settings are read from.
        allow_env: The patterns of names that specs may read.
        log: Where the run says what it does.
        batch_size: Documents a batch on the cursor route, and of a landing.
        allow_files: The patterns of files that specs may read.
        allow_hosts: The hosts that specs may reach.
        headers: Finds the headers of an HTTP connection; ``None``: in the environment.
        root: The project's folder, below which files lie.
    """

    connections: Connections
    environ: Mapping[str, str]
    allow_env: tuple[str, ...]
    log: Log
    batch_size: int = 1000
    allow_files: tuple[str, ...] = ()
    allow_hosts: tuple[str, ...] = ()
    headers: Callable[[str], Mapping[str, str] | None] | None = None
    root: Path = Path()


@dataclass(frozen=True, slots=True)
class Place:
    """A collection: connection, database and name."""

    connection: str
    database: str
    collection: str


@dataclass(frozen=True, slots=True)
class Window:
    """The window of a run: UTC instants ``[start, end)``, and which rule gave its end.

    ``also`` are further ranges that belong to it: the single days of a sparse lookback, and what upstream
    published.
    """

    start: datetime
    end: datetime
    why: str
    also: tuple[tuple[datetime, datetime], ...] = ()


@dataclass(frozen=True, slots=True)
class Run:
    """The pinned run record, decoded: what steps work from.

    Attributes:
        id: The run's id.
        generation: How often a plan was pinned; receipts of another generation do not count.
        subject: The pinned spec.
        plan: Its plan.
        hash: The fingerprint of the spec's data part.
        as_of: The instant extract began, or ``--now``.
        window: The window.
        named: Whether ``from`` and ``to`` were given.
        partitions: The labels to compute, a grain, in time order.
        sources: Where each source is.
        lookups: Where each looked-up dimension is.
        targets: Where each grain's rows go.
        allow_removal: See ``Request``.
        reopened: Whether a cleared task opened the record again: the lease is given up after each step.
        receipts: What each task of this generation left, by task (``extract_lessons``, ``transform``, …).
        pinned_at: When the plan was pinned, by the server's clock.
        lacking: What the servers lack that transform works around.
    """

    id: str
    generation: int
    subject: Subject
    plan: Plan
    hash: str
    as_of: datetime
    window: Window
    named: bool
    partitions: Mapping[Grain, tuple[str, ...]]
    sources: Mapping[str, Place]
    lookups: Mapping[str, Place]
    targets: Mapping[Grain, Place]
    allow_removal: bool = False
    reopened: bool = False
    receipts: Mapping[str, Document] = field(default_factory=dict)
    pinned_at: datetime | None = None
    lacking: frozenset[str] = frozenset()

    @property
    def read_at(self) -> datetime:
        """Up to when the run has seen the changes of its sources, also where ``--now`` lies in the future."""
        return self.as_of if self.pinned_at is None else min(self.as_of, self.pinned_at)


@dataclass(frozen=True, slots=True)
class Session:
    """The live things of one attempt of a step."""

    setup: Setup
    request: Request
    lease: Held

    @property
    def target(self) -> Database[Document]:
        """The database of the subject's target, which holds the state too."""
        return self.setup.connections.database(self.request.subject.target.connection)

    def collection(self, place: Place) -> Collection[Document]:
        """A collection by its place."""
        return self.setup.connections.client(place.connection)[place.database][place.collection]

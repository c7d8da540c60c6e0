"""A subject: one dashboard dataset, with its target, checks and schedule."""

from __future__ import annotations

from dataclasses import dataclass, field

from dashpipe.spec.model.metric import Metric
from dashpipe.spec.model.origin import NOWHERE, EnvText, Origin
from dashpipe.spec.model.source import Dimension, Source
from dashpipe.spec.model.time import Calendar, Fiscal, Grain


@dataclass(frozen=True, slots=True)
class Query:
    """A question that dashboards ask of the target: the index follows from it."""

    equal: tuple[str, ...] = ()
    range: str | None = None


@dataclass(frozen=True, slots=True)
class Target:
    """Where the rows go. ``max_removed`` is a share of the stored rows (0.2 is 20 %)."""

    collection: EnvText
    connection: str = "target"
    queries: tuple[Query, ...] = ()
    retention_days: int | None = None
    max_removed: float = 0.2
    origin: Origin = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Bounds:
    """The limits of a check's ``warn`` or ``fail``: out of ``[below, above]``, more ``hours`` or ``values``.

    All are the limits themselves, still good. For ``missing`` and ``unique``, ``above`` limits the share of
    rows, for ``values`` the share of values (0 = none may be); ``values`` is their number.
    """

    below: float | None = None
    above: float | None = None
    hours: float | None = None
    values: float | None = None


@dataclass(frozen=True, slots=True)
class Check:
    """A check of a run's rows, or (``freshness``, ``values``) of a source.

    ``counts`` are what a check of the ``values`` of a ``field`` counts of them.
    """

    id: str
    type: str
    metric: str | None = None
    source: str | None = None
    counts: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    grain: Grain | None = None
    incomplete: bool = False
    warn: Bounds | None = None
    fail: Bounds | None = None
    origin: Origin = field(default=NOWHERE, compare=False)
    field: str | None = None  # last: until here the word means the function


@dataclass(frozen=True, slots=True)
class Schedule:
    """When a subject runs: by cron in its timezone, or after other subjects (ids without version)."""

    cron: str | None = None
    after: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Lookback:
    """Days before a run's end that are computed again: all of ``dense``, and single days ``sparse`` back.

    ``default`` tells that it comes from ``dashpipe.toml``, not from the spec: the variable
    ``LOOKBACK_DAYS`` goes before it then.
    """

    dense: int = 3
    sparse: tuple[int, ...] = ()
    default: bool = False


@dataclass(frozen=True, slots=True)
class AirflowOptions:
    """What a subject's DAG takes from ``airflow:`` or ``[airflow]``; times in seconds."""

    pool: str | None = None
    queue: str | None = None
    retries: int = 3
    retry_delay: int = 60
    step_timeout: int = 3600
    run_timeout: int = 6 * 3600
    paused: bool = False
    on_broken: str = "last_good"


@dataclass(frozen=True, slots=True)
class Subject:
    """One dashboard dataset, resolved: its sources stand in it whole, its metrics are all that it computes.

    ``metrics`` is in the spec's order, hidden ones (inputs that the spec did not list) last; each aggregate
    names its source, and each name that a composite refers to is in it. ``dimensions`` are the row's, key
    dimensions and looked-up ones alike.
    """

    project: str
    domain: str
    name: str
    version: int
    timezone: str
    start: str
    sources: tuple[Source, ...]
    metrics: tuple[Metric, ...]
    target: Target
    dimensions: tuple[Dimension, ...] = ()
    grains: tuple[Grain, ...] = (Grain.DAY,)
    week_start: str = "monday"
    fiscal: Fiscal | None = None
    schedule: Schedule | None = None
    lookback: Lookback | None = None
    catch_up_days: int = 31
    checks: tuple[Check, ...] = ()
    owner: str = ""
    description: str = ""
    tags: tuple[str, ...] = ()
    airflow: AirflowOptions = AirflowOptions()
    origin: Origin = field(default=NOWHERE, compare=False)

    @property
    def id(self) -> str:
        """The subject's id, which is its DAG id: ``cv_dash_teacher_v1``."""
        return f"{self.project}_{self.domain}_{self.name}_v{self.version}"

    @property
    def key(self) -> tuple[Dimension, ...]:
        """What documents are grouped by: the dimensions that are not looked up, and the hidden ones."""
        hidden = (Dimension(name) for name in self.hidden_keys)
        return (*(one for one in self.dimensions if one.lookup is None), *hidden)

    @property
    def hidden_keys(self) -> tuple[str, ...]:
        """Dimensions of sources that are none of the row: others are looked up by them."""
        named = {one.name for one in self.dimensions}
        defined = {one.name for source in self.sources for one in source.dimensions} - named
        by = (one.lookup.key for one in self.dimensions if one.lookup is not None)
        return tuple(dict.fromkeys(name for name in by if name in defined))

    @property
    def row_key(self) -> tuple[Dimension, ...]:
        """The dimensions of a row's key: those not looked up, and those looked up by a hidden one."""
        hidden = self.hidden_keys
        return tuple(one for one in self.dimensions if one.lookup is None or one.lookup.key in hidden)

    @property
    def snapshot(self) -> bool:
        """Whether its sources are taken as they stand: its rows are of the time of the run alone."""
        return any(one.snapshot for one in self.sources)

    @property
    def calendar(self) -> Calendar:
        """What the subject's partitions follow from."""
        return Calendar(self.timezone, self.week_start, self.fiscal)

    def source(self, name: str) -> Source:
        """The source of that name.

        Raises:
            KeyError: There is none.
        """
        for one in self.sources:
            if one.name == name:
                return one
        raise KeyError(name)

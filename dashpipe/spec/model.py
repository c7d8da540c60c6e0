"""The typed, frozen form of a spec: what lint rules read and what the compiler turns into a plan.

Objects carry plain values in the spec's own words. Where they came from (file and key path) is kept in
``origin``, outside equality, so that two specs that mean the same compare equal.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Any, NamedTuple


class Grain(str, Enum):
    """A time grain. The value is the word used in YAML, in documents and in collection names."""

    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"
    FISCAL_MONTH = "fiscal_month"
    FISCAL_QUARTER = "fiscal_quarter"
    FISCAL_YEAR = "fiscal_year"


#: How many fiscal months a fiscal grain has.
FISCAL = {Grain.FISCAL_MONTH: 1, Grain.FISCAL_QUARTER: 3, Grain.FISCAL_YEAR: 12}


#: Days run from Monday = 0, as ``datetime.date.weekday`` counts them.
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

#: Metric types that aggregate documents of one source (the leaves come from these).
AGGREGATES = (
    *("count", "sum", "avg", "min", "max", "count_distinct", "median", "percentile"),
    *("stddev", "variance", "first", "last", "top"),
)

#: Metric types computed from other metrics of the same row.
COMPOSITES = ("ratio", "derived", "cumulative", "share")

#: Metric types that follow an entity from one event to another.
JOURNEYS = ("conversion",)

#: Metric types that follow entities of one source through the periods after their first.
COHORTS = ("retention",)

#: Metric types that are of the documents of one source.
OF_SOURCE = (*AGGREGATES, *COHORTS)


class Origin(NamedTuple):
    """Where a value stands: the file (as the project names it) and its key path in that file."""

    file: str
    path: tuple[str | int, ...] = ()

    def at(self, *keys: str | int) -> Origin:
        """The origin of something below this one."""
        return Origin(self.file, (*self.path, *keys))


NOWHERE = Origin("")


@dataclass(frozen=True, slots=True)
class Fiscal:
    """Fiscal periods: those of a year that begins with another month, or those of a calendar file.

    ``days`` holds, of a file's calendar, the first day of each fiscal month in order (``YYYY-MM-DD``, twelve
    a year, from the first of a year on), and last the day after the last of them. ``name`` and ``version``
    are the file's, for people.
    """

    first_month: int | None = None
    days: tuple[str, ...] = ()
    name: str = ""
    version: int = 1
    origin: Origin = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Calendar:
    """What decides which local day an instant is of, and which period a day is of."""

    timezone: str
    week_start: str = "monday"
    fiscal: Fiscal | None = None


@dataclass(frozen=True, slots=True)
class Env:
    """``{env: NAME, default: TEXT}``: a value that is read from the environment when a run starts."""

    name: str
    default: str | None = None


#: A text, or one that the environment may give.
EnvText = str | Env


@dataclass(frozen=True, slots=True)
class Field:
    """The declared type of a document's field (dotted path)."""

    path: str
    type: str
    on_type_error: str = "nullify"
    origin: Origin = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Valid:
    """The fields that say from which day on, and before which day, a document holds; ``None``: open."""

    start: str | None = None
    end: str | None = None


@dataclass(frozen=True, slots=True)
class Lookup:
    """Where a looked-up dimension finds its value, by a dimension of the row; ``valid``: on its last day."""

    collection: EnvText
    key: str
    foreign: str
    field: str
    connection: str | None = None
    valid: Valid | None = None


@dataclass(frozen=True, slots=True)
class Dimension:
    """A dimension of a source (``expr`` over its documents), or of a subject (``lookup``)."""

    name: str
    expr: str | None = None
    lookup: Lookup | None = None
    description: str = ""
    origin: Origin = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Period:
    """A length of calendar time: ``7 days``. ``unit`` is a grain's word."""

    n: int
    unit: str

    def __str__(self) -> str:
        """As a spec says it."""
        return f"{self.n} {self.unit}" + ("" if self.n == 1 else "s")


@dataclass(frozen=True, slots=True)
class Events:
    """Documents of a source that are events of an entity; those that pass ``where``."""

    source: str
    where: str | None = None
    origin: Origin = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Fill:
    """The value of a metric in rows that are added for keys with a row of their own in the period before."""

    value: Any
    period: Period


@dataclass(frozen=True, slots=True)
class Input:
    """One named input of a derived metric; with ``offset``, its value that long before."""

    metric: str
    alias: str
    where: str | None = None
    offset: Period | None = None
    origin: Origin = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric, of any type; the keys that its type does not use are ``None`` or empty.

    ``empty`` is the value where nothing matched, in force only if ``has_empty`` (YAML's ``null`` is a value).
    ``source`` is the name of a source of the subject, ``None`` on composites. ``hidden`` metrics are
    computed and kept as state, and not written under their name. ``grains`` is ``None`` where the metric is
    of every grain. ``metric`` is what a cumulative metric or a share is of; ``window`` and ``to_date`` are a
    cumulative metric's reach (neither: all time), ``period_agg`` its value for a coarser grain; ``of`` are
    the dimensions of a share's whole.

    ``p`` is a share as decimal text without zeros at its end (0.9). ``by`` is summed to order a ``top`` list
    of ``k`` values. ``having`` is a condition over metrics of the same source, each of the documents of one
    value; ``inputs`` then tell which metric a name in it is, where that is not its own. ``counts`` says, in a
    source whose array is taken apart, whether it is of documents or of elements. ``mongo`` is its value in
    MongoDB's own words instead of ``expr``, as JSON. ``per`` are what a first or last value is a balance of:
    the balances are summed. ``carry`` is how long before the partition its value may come from (or `always`).
    ``period`` is the one grain of a retention, and ``periods`` how
    many of them after an entity's first are looked at.
    """

    name: str
    type: str
    source: str | None = None
    expr: str | None = None
    where: str | None = None
    numerator: str | None = None
    denominator: str | None = None
    on_zero: str | int | None = None
    inputs: tuple[Input, ...] = ()
    p: str | None = None
    method: str | None = None
    approximate: bool = False
    population: bool = False
    k: int | None = None
    by: str | None = None
    having: str | None = None
    cardinality_at_most: int | None = None
    metric: str | None = None
    window: Period | None = None
    to_date: str | None = None
    period_agg: str | None = None
    of: tuple[str, ...] = ()
    base: Events | None = None
    conversion: Events | None = None
    entity: str | None = None
    measured_as: str | None = None
    per: tuple[str, ...] = ()
    carry: Period | str | None = None
    period: Grain | None = None
    periods: int | None = None
    grains: tuple[Grain, ...] | None = None
    empty: Any = None
    has_empty: bool = False
    fill: Fill | None = None
    hidden: bool = False
    counts: str | None = None
    mongo: str | None = None
    mongo_type: str | None = None
    description: str = ""
    unit: str = ""
    format: str = ""
    owner: str = ""
    origin: Origin = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Time:
    """A field that holds an instant, and its form: `date`, `iso`, `epoch_s`, `epoch_ms` or `object_id`.

    Of the kind `snapshot` no field does: a document is of the partition that a run is in.
    """

    field: str
    kind: str = "date"


@dataclass(frozen=True, slots=True)
class Unwind:
    """An array whose elements are counted: an element is read under ``alias``.

    ``keep_empty`` keeps documents without elements, as documents.
    """

    path: str
    alias: str
    keep_empty: bool = False


@dataclass(frozen=True, slots=True)
class File:
    """Files that a source is landed from: one by its path or URL, or all that a pattern names.

    ``key`` are the fields that tell its rows apart; without any, a row is known by its file and its number.
    ``timezone`` is the zone of times without an offset. Beside empty text, the texts of ``nulls`` are NULL in
    CSV. ``max_bad`` is the share of rows that may be unreadable.
    """

    path: str
    format: str
    key: tuple[str, ...] = ()
    timezone: str | None = None
    delimiter: str = ","
    encoding: str = "utf-8"
    nulls: tuple[str, ...] = ()
    max_bad: float = 0.0


@dataclass(frozen=True, slots=True)
class Http:
    """An HTTP endpoint that a source is landed from: it answers in JSON, with rows known by ``key``.

    ``items`` is the path of the list of rows in an answer (``None``: the answer itself). ``by`` is how pages
    follow each other: `next` (the URL at ``path``), `cursor` (the text at ``path``, given as ``parameter``),
    `page` (a number from ``first`` on, as ``parameter``). ``since`` is the parameter that asks for what
    changed. ``connection`` names the headers.
    """

    url: str
    key: tuple[str, ...]
    items: str | None = None
    by: str | None = None
    path: str | None = None
    parameter: str | None = None
    first: int = 1
    since: str | None = None
    connection: str | None = None
    timezone: str | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """One source of a subject: a model by name, or one defined in the subject itself.

    ``prepare`` are stages that a document goes through before all else, each as JSON. ``unique`` keeps, of
    the documents of a partition that agree on these keys, the newest by time (ties: the greatest ``_id``),
    before ``where``. ``incremental`` keeps the values that distinct counts count: longer grains are made of
    those of days. ``max_untimed`` is a share (0.001 is 0.1 %). ``metrics`` are those that a subject may take;
    in a resolved subject they are empty, since ``Subject.metrics`` are all that it computes. A ``snapshot``
    is of the documents as they stand when a run reads them; its ``time`` is of that kind. One with a ``file``
    or ``http`` is landed: ``collection`` is then in the target's database, and ``connection`` is the target's
    (empty until that is known).
    """

    name: str
    collection: EnvText
    time: Time
    connection: str = "source"
    updated: Time | None = None
    prepare: tuple[str, ...] = ()
    unique: tuple[str, ...] = ()
    unwind: Unwind | None = None
    where: str | None = None
    fields: tuple[Field, ...] = ()
    dimensions: tuple[Dimension, ...] = ()
    metrics: tuple[Metric, ...] = ()
    read: str | None = None
    incremental: bool = False
    snapshot: bool = False
    max_untimed: float = 0.001
    file: File | None = None
    http: Http | None = None
    description: str = ""
    origin: Origin = field(default=NOWHERE, compare=False)

    @property
    def landed(self) -> bool:
        """Whether its documents come from elsewhere: extract lands them in its collection first."""
        return self.file is not None or self.http is not None


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

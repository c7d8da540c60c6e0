"""A metric, its types and its parts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from dashpipe.spec.model.origin import NOWHERE, Origin
from dashpipe.spec.model.time import Grain, Period

#: Metric types that aggregate documents of one source (the leaves come from these).
AGGREGATES = (
    *("count", "sum", "avg", "min", "max", "count_distinct", "median", "percentile"),
    *("stddev", "variance", "first", "last", "top"),
)

#: Metric types computed from other metrics of the same row.
COMPOSITES = ("ratio", "derived", "cumulative", "share")

#: What a cumulative metric may be at grains above day, made of the values of a partition's days.
OF_DAYS = ("average", "min", "max")

#: Metric types that follow an entity from one event to another.
JOURNEYS = ("conversion",)

#: Metric types that follow entities of one source through the periods after their first.
COHORTS = ("retention",)

#: Metric types that are of the documents of one source.
OF_SOURCE = (*AGGREGATES, *COHORTS)


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

"""A metric of the row: how it is finished from leaves and from other columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from dashpipe.compile.frame import PLAIN, Frame
from dashpipe.expr import FieldType, Typed
from dashpipe.spec.model import Fill, Grain


@dataclass(frozen=True, slots=True)
class Value:
    """A metric that is its leaf's value."""

    leaf: str


@dataclass(frozen=True, slots=True)
class Mean:
    """A sum over a count of the same values."""

    total: str
    count: str


@dataclass(frozen=True, slots=True)
class Spread:
    """A variance, or its root, of a sample or of a whole population, from the moments of the values."""

    moments: str
    population: bool
    root: bool


@dataclass(frozen=True, slots=True)
class Ratio:
    """Two metrics of the row, divided."""

    numerator: str
    denominator: str
    on_zero: str | int | None


@dataclass(frozen=True, slots=True)
class Formula:
    """An expression over metrics of the row; ``refs`` are the names that it reads, each with its column."""

    expr: Typed
    refs: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Carried:
    """The value of a leaf, else that of another, which is of the time before."""

    own: str
    before: str


@dataclass(frozen=True, slots=True)
class Same:
    """The value of another column."""

    column: str


@dataclass(frozen=True, slots=True)
class OfDays:
    """The average, least or greatest value of the days, a leaf; at grains up to day, that of a column."""

    leaf: str | None
    column: str | None


Finaliser = Value | Carried | Mean | Spread | Ratio | Formula | Same | OfDays


@dataclass(frozen=True, slots=True)
class Column:
    """A metric of the row: how it is finished, and its value where nothing matched.

    ``matched`` are the leaves that tell whether anything matched: (leaf id, kind). It is computed at
    ``grains``, because another column there may read it, and written at ``shown``. Where its frame leads to
    before the subject's start it is null. ``fill`` is the value that is written, and read by nothing, in rows
    that are added.
    """

    name: str
    finaliser: Finaliser
    type: FieldType
    matched: tuple[tuple[str, str], ...]
    empty: Any
    has_empty: bool
    grains: tuple[Grain, ...]
    shown: tuple[Grain, ...]
    frame: Frame = PLAIN
    fill: Fill | None = None

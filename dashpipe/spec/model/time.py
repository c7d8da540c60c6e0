"""Grains, calendars, lengths of time and how an instant is stored."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from dashpipe.spec.model.origin import NOWHERE, Origin


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
class Period:
    """A length of calendar time: ``7 days``. ``unit`` is a grain's word."""

    n: int
    unit: str

    def __str__(self) -> str:
        """As a spec says it."""
        return f"{self.n} {self.unit}" + ("" if self.n == 1 else "s")


@dataclass(frozen=True, slots=True)
class Time:
    """A field that holds an instant, and its form: `date`, `iso`, `epoch_s`, `epoch_ms` or `object_id`.

    Of the kind `snapshot` no field does: a document is of the partition that a run is in.
    """

    field: str
    kind: str = "date"

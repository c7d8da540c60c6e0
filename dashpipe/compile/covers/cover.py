"""What one partition takes of the days and hours that there are."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from dashpipe.compile import partition
from dashpipe.compile.offsets import window_start
from dashpipe.spec.model import Calendar, Grain, Period

_TICK = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Cover:
    """What one partition takes: the days ``[start, end)``, without ``start`` all before; and these hours.

    ``own`` is the first day of the partition that is meant, or its hour, where what lies in it is told apart.
    ``day`` is the day of the partition that it is taken for, where each is by itself.
    """

    label: str
    start: date | None
    end: date
    hours: tuple[str, ...] = ()
    own: str = ""
    day: str = ""

    @property
    def place(self) -> str:
        """What it is for: a partition, or a day of one."""
        return f"{self.label}@{self.day}" if self.day else self.label


def carried_from(carry: Period | str, day: date, calendar: Calendar) -> date | None:
    """The first day whose values are carried to what begins on a day; ``None``: all are."""
    return None if isinstance(carry, str) else window_start(day, carry.n, Grain(carry.unit), calendar)


def begun(first: date, last: date, calendar: Calendar, as_of: datetime | None) -> date:
    """The last of some days that has begun; the first of them where none has."""
    if as_of is None:
        return last
    today = partition.local_date(as_of - _TICK, calendar.timezone)
    return max(first, min(last, today))

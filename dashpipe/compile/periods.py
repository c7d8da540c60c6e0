"""Calendar periods as plain dates: which grains there are, what nests in what, where a period begins.

Nothing here knows UTC: ``partition`` turns the first days of periods into instants.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta

from dashpipe.spec.model import WEEKDAYS, Calendar, Grain

#: Every grain, finest first.
ORDER = (Grain.HOUR, Grain.DAY, Grain.WEEK, Grain.MONTH, Grain.QUARTER, Grain.YEAR)

#: The grains that nest in a grain, coarsest first (weeks do not nest in months).
NESTS: dict[Grain, tuple[Grain, ...]] = {
    Grain.HOUR: (),
    Grain.DAY: (Grain.HOUR,),
    Grain.WEEK: (Grain.DAY, Grain.HOUR),
    Grain.MONTH: (Grain.DAY, Grain.HOUR),
    Grain.QUARTER: (Grain.MONTH, Grain.DAY, Grain.HOUR),
    Grain.YEAR: (Grain.QUARTER, Grain.MONTH, Grain.DAY, Grain.HOUR),
}


def finer(grain: Grain, among: Iterable[Grain]) -> tuple[Grain, ...]:
    """The grains of ``among`` that nest in ``grain``, coarsest first."""
    present = set(among)
    return tuple(one for one in NESTS[grain] if one in present)


def day_of(label: str) -> date:
    """The local date in a label (at grain hour: the day of the hour)."""
    return date.fromisoformat(label[:10])


def first_day(grain: Grain, day: date, calendar: Calendar) -> date:
    """The first local day of the partition that holds ``day`` (grain day or coarser)."""
    if grain is Grain.WEEK:
        return day - timedelta(days=(day.weekday() - WEEKDAYS.index(calendar.week_start)) % 7)
    if grain is Grain.MONTH:
        return day.replace(day=1)
    if grain is Grain.QUARTER:
        return day.replace(month=(day.month - 1) // 3 * 3 + 1, day=1)
    if grain is Grain.YEAR:
        return day.replace(month=1, day=1)
    return day


def next_day(grain: Grain, first: date, calendar: Calendar) -> date:  # noqa: ARG001 -- fiscal periods ask it
    """The first day after the partition that begins on ``first`` (grain day or coarser)."""
    if grain is Grain.WEEK:
        return first + timedelta(days=7)
    if grain in (Grain.MONTH, Grain.QUARTER):
        months = first.month - 1 + (1 if grain is Grain.MONTH else 3)
        return date(first.year + months // 12, months % 12 + 1, 1)
    if grain is Grain.YEAR:
        return date(first.year + 1, 1, 1)
    return first + timedelta(days=1)


def of_date(grain: Grain, day: date, calendar: Calendar) -> str:
    """The label of the partition that holds a local day (grain day or coarser)."""
    return first_day(grain, day, calendar).isoformat()


def last_day(grain: Grain, label: str, calendar: Calendar) -> date:
    """The last local day of a partition (at grain hour: the day of the hour)."""
    if grain is Grain.HOUR:
        return day_of(label)
    return next_day(grain, day_of(label), calendar) - timedelta(days=1)

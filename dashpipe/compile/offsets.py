"""Offsets between partitions, and the periods that a value runs up in.

An offset moves the start of a partition onto the start of a partition: a day by anything; a week by whole
weeks, or by years onto the week of the same number; months, quarters and years by whole ones of their own.
Anything else would compare a partition with the pieces of two others, and is refused.
"""

from __future__ import annotations

from calendar import monthrange
from datetime import date, timedelta

from dashpipe.compile.periods import day_of, first_day, last_day
from dashpipe.spec.model import Calendar, Grain
from dashpipe.spec.moves import DAYS, MONTHS, fits


def shift(grain: Grain, label: str, n: int, unit: Grain, calendar: Calendar) -> str | None:  # noqa: ARG001
    """The partition that lies ``n`` units after one; before it where ``n`` is negative.

    A day that the other month lacks becomes its last one (29 February: the 28th); week 53 becomes week 52
    where the other year has no 53. Weeks are counted in the year of their fourth day, which is ISO's count
    where they begin on Monday.

    Args:
        grain: The grain of the partition.
        label: The partition.
        n: How many units.
        unit: The unit; ``fits(grain, n, unit)`` holds.
        calendar: The subject's calendar.

    Returns:
        The label, or ``None`` where there is no such date.

    Raises:
        ValueError: Such an offset is none for this grain.
    """
    if not fits(grain, n, unit):
        raise ValueError(f"{n} {unit.value} is no offset at grain {grain.value}")
    day = day_of(label)
    try:
        if unit in DAYS:
            moved = day + timedelta(days=n * DAYS[unit])
        elif grain is Grain.WEEK:
            moved = _same_week(day, n)
        else:
            moved = _months_later(day, n * MONTHS[unit])
    except (OverflowError, ValueError):
        return None
    return moved.isoformat()


def shifted_onto(grain: Grain, label: str, n: int, unit: Grain, calendar: Calendar) -> tuple[str, ...]:
    """The partitions whose shift by ``n`` units is ``label``, in time order: those that read it.

    There may be several (28 and 29 February of a leap year read the same day of the year before), or none (no
    day of April reads 31 March as the day a month before).
    """
    around = shift(grain, label, -n, unit, calendar)
    if around is None:
        return ()
    first = day_of(around)
    # What is moved onto an earlier day for want of its own lies at most a week after the day that fits.
    days = (first + timedelta(days=more) for more in range(8))
    near = dict.fromkeys(first_day(grain, day, calendar).isoformat() for day in days)
    return tuple(one for one in near if shift(grain, one, n, unit, calendar) == label)


def period_start(grain: Grain, label: str, unit: Grain, calendar: Calendar) -> str:
    """The first day of the period that a value "to date" runs up in, as of a partition's end.

    It is the period that holds the partition's last day: the week that begins in March and ends in April is
    April's, of which it holds the first days.
    """
    return first_day(unit, last_day(grain, label, calendar), calendar).isoformat()


def _months_later(day: date, months: int) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def _same_week(first: date, years: int) -> date:
    """The week of the same number, some years later."""
    middle = first + timedelta(days=3)
    year, weeks = middle.year + years, (middle.timetuple().tm_yday - 1) // 7
    new_year = date(year, 1, 1)
    found = new_year + timedelta(days=(middle.weekday() - new_year.weekday()) % 7 + 7 * weeks)
    if found.year != year:
        found -= timedelta(days=7)
    return found - timedelta(days=3)

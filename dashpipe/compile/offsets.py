"""Offsets between partitions, and the periods that a value runs up in.

An offset moves the start of a partition onto the start of a partition: a day by anything; a week by whole
weeks, or by years onto the week of the same number; months, quarters and years by whole ones of their own,
and fiscal ones by fiscal ones (there a plain month, quarter or year means such a one). Anything else would
compare a partition with the pieces of two others, and is refused.
"""

from __future__ import annotations

from calendar import monthrange
from datetime import date, timedelta

from dashpipe.compile.periods import OutsideCalendar, day_of, first_day, fiscal_of, last_day, month_at
from dashpipe.spec.model import FISCAL, Calendar, Fiscal, Grain
from dashpipe.spec.moves import DAYS, EITHER, fits


def shift(grain: Grain, label: str, n: int, unit: Grain, calendar: Calendar) -> str | None:
    """The partition that lies ``n`` units after one; before it where ``n`` is negative.

    A day that the other month lacks becomes its last one (29 February: the 28th); week 53 becomes week 52
    where the other year has no 53. Weeks are counted in the year of their fourth day, which is ISO's count
    where they begin on Monday. By fiscal months of a calendar file, a day keeps its place in the month; what
    the other month lacks becomes the same weekday of its last week.

    Args:
        grain: The grain of the partition.
        label: The partition.
        n: How many units.
        unit: The unit; ``fits(grain, n, unit)`` holds.
        calendar: The subject's calendar.

    Returns:
        The label, or ``None`` where there is no such date, or the calendar file begins after it.

    Raises:
        OutsideCalendar: The calendar file ends before it.
        ValueError: Such an offset is none for this grain.
    """
    if not fits(grain, n, unit):
        raise ValueError(f"{n} {unit.value} is no offset at grain {grain.value}")
    day = day_of(label)
    if grain in FISCAL or unit in FISCAL:
        fiscal = fiscal_of(calendar)
        if fiscal.first_month is None:
            return _fiscal_later(day, n * EITHER[unit], fiscal)
    try:
        if unit in DAYS:
            return (day + timedelta(days=n * DAYS[unit])).isoformat()
        if grain is Grain.WEEK:
            return _same_week(day, n).isoformat()
        return _months_later(day, n * EITHER[unit]).isoformat()
    except (OverflowError, ValueError):
        return None


def shifted_onto(grain: Grain, label: str, n: int, unit: Grain, calendar: Calendar) -> tuple[str, ...]:
    """The partitions whose shift by ``n`` units is ``label``, in time order: those that read it.

    There may be several (28 and 29 February of a leap year read the same day of the year before), or none (no
    day of April reads 31 March as the day a month before).
    """
    found: dict[str, None] = {}
    try:
        around = shift(grain, label, -n, unit, calendar)
        # What is moved onto an earlier day for want of its own lies at most so long after the day that fits.
        for more in range(36 if unit in FISCAL else 8) if around is not None else ():
            one = first_day(grain, day_of(around or "") + timedelta(days=more), calendar).isoformat()
            if shift(grain, one, n, unit, calendar) == label:
                found[one] = None
    except OutsideCalendar:
        pass  # the calendar file does not have them yet, so there are none
    return tuple(found)


def window_start(day: date, n: int, unit: Grain, calendar: Calendar) -> date:
    """The day on which a window of some periods begins that ends before ``day``.

    Raises:
        OutsideCalendar: The calendar file does not go back so far.
    """
    if unit in DAYS:
        return day - timedelta(days=n * DAYS[unit])
    fiscal = fiscal_of(calendar) if unit in FISCAL else None
    if fiscal is None or fiscal.first_month is not None:
        return _months_later(day, -n * EITHER[unit])
    # The day after the calendar's last one ends a window, though no period holds it.
    at = len(fiscal.days) - 1 if day.isoformat() == fiscal.days[-1] else month_at(fiscal, day)
    if at < n * FISCAL[unit]:
        raise OutsideCalendar(date.fromisoformat(fiscal.days[0]) - timedelta(days=1), fiscal)
    return _placed(fiscal, day - date.fromisoformat(fiscal.days[at]), at - n * FISCAL[unit])


def period_start(grain: Grain, label: str, unit: Grain, calendar: Calendar) -> str:
    """The first day of the period that a value "to date" runs up in, as of a partition's end.

    It is the period that holds the partition's last day: the week that begins in March and ends in April is
    April's, of which it holds the first days.
    """
    return first_day(unit, last_day(grain, label, calendar), calendar).isoformat()


def _months_later(day: date, months: int) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def _fiscal_later(day: date, months: int, fiscal: Fiscal) -> str | None:
    at = month_at(fiscal, day)
    if at + months < 0:
        return None  # a calendar covers the subject's start: before that there is nothing
    if at + months >= len(fiscal.days) - 1:
        raise OutsideCalendar(date.fromisoformat(fiscal.days[-1]), fiscal)
    return _placed(fiscal, day - date.fromisoformat(fiscal.days[at]), at + months).isoformat()


def _placed(fiscal: Fiscal, place: timedelta, at: int) -> date:
    """The day of a fiscal month at a place; where it has none, the same weekday of its last week."""
    start, end = (date.fromisoformat(one) for one in fiscal.days[at : at + 2])
    day = start + place
    while day >= end:
        day -= timedelta(days=7)
    return day


def _same_week(first: date, years: int) -> date:
    """The week of the same number, some years later."""
    middle = first + timedelta(days=3)
    year, weeks = middle.year + years, (middle.timetuple().tm_yday - 1) // 7
    new_year = date(year, 1, 1)
    found = new_year + timedelta(days=(middle.weekday() - new_year.weekday()) % 7 + 7 * weeks)
    if found.year != year:
        found -= timedelta(days=7)
    return found - timedelta(days=3)

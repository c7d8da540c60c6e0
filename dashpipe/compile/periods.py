"""Calendar periods as plain dates: where a period of a grain begins and ends.

Nothing here knows UTC: ``partition`` turns the first days of periods into instants.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from datetime import date, timedelta

from dashpipe.spec.model import FISCAL, WEEKDAYS, Calendar, Fiscal, Grain

#: How many months a period has.
MONTHS = {Grain.MONTH: 1, Grain.QUARTER: 3, Grain.YEAR: 12, **FISCAL}


class OutsideCalendar(ValueError):
    """A day that the subject's calendar file does not cover.

    Attributes:
        message: Which day, and what the calendar covers.
        help: What to do.
    """

    def __init__(self, day: date, fiscal: Fiscal) -> None:
        last = date.fromisoformat(fiscal.days[-1]) - timedelta(days=1)
        self.message = (
            f"{day} is outside of the calendar {fiscal.name}: it runs from {fiscal.days[0]} to {last}"
        )
        self.help = "add the years that are missing to the calendar file"
        super().__init__(f"{self.message}; {self.help}")


def day_of(label: str) -> date:
    """The local date in a label (at grain hour: the day of the hour)."""
    return date.fromisoformat(label[:10])


def first_day(grain: Grain, day: date, calendar: Calendar) -> date:
    """The first local day of the partition that holds ``day`` (grain day or coarser).

    Raises:
        OutsideCalendar: No period of the calendar file holds it.
    """
    if grain is Grain.WEEK:
        return day - timedelta(days=(day.weekday() - WEEKDAYS.index(calendar.week_start)) % 7)
    if grain not in MONTHS:
        return day
    size, first_month = MONTHS[grain], first_month_of(grain, calendar)
    if first_month is None:
        fiscal = fiscal_of(calendar)
        at = month_at(fiscal, day)
        return date.fromisoformat(fiscal.days[at - at % size])
    months = day.year * 12 + day.month - 1
    year, month = divmod(months - (months + 1 - first_month) % size, 12)
    return date(year, month + 1, 1)


def next_day(grain: Grain, first: date, calendar: Calendar) -> date:
    """The first day after the partition that begins on ``first`` (grain day or coarser).

    Raises:
        OutsideCalendar: The calendar file does not have that period.
    """
    if grain is Grain.WEEK:
        return first + timedelta(days=7)
    if grain not in MONTHS:
        return first + timedelta(days=1)
    if first_month_of(grain, calendar) is None:
        fiscal = fiscal_of(calendar)
        return date.fromisoformat(fiscal.days[month_at(fiscal, first) + MONTHS[grain]])
    year, month = divmod(first.year * 12 + first.month - 1 + MONTHS[grain], 12)
    return date(year, month + 1, 1)


def ahead(grain: Grain, first: date, periods: int, calendar: Calendar) -> list[date]:
    """Where a partition and so many after it begin, and the day after the last; fewer at a calendar's end."""
    days, end = [first], end_of(grain, calendar)
    while len(days) < periods + 2 and days[-1] != end:
        days.append(next_day(grain, days[-1], calendar))
    return days


def of_date(grain: Grain, day: date, calendar: Calendar) -> str:
    """The label of the partition that holds a local day (grain day or coarser)."""
    return first_day(grain, day, calendar).isoformat()


def last_day(grain: Grain, label: str, calendar: Calendar) -> date:
    """The last local day of a partition (at grain hour: the day of the hour)."""
    if grain is Grain.HOUR:
        return day_of(label)
    return next_day(grain, day_of(label), calendar) - timedelta(days=1)


def fiscal_of(calendar: Calendar) -> Fiscal:
    """What a calendar's fiscal periods follow from.

    Raises:
        ValueError: It has none; lint refuses such a subject.
    """
    if calendar.fiscal is None:
        raise ValueError("a fiscal grain needs the subject's `calendar`")
    return calendar.fiscal


def first_month_of(grain: Grain, calendar: Calendar) -> int | None:
    """The month that a year of a grain begins with; ``None`` where its periods are a calendar file's."""
    return fiscal_of(calendar).first_month if grain in FISCAL else 1


def month_at(fiscal: Fiscal, day: date) -> int:
    """The number, from 0, of the fiscal month of a calendar file that holds a day.

    Raises:
        OutsideCalendar: None does.
    """
    at = bisect_right(fiscal.days, day.isoformat()) - 1
    if not 0 <= at < len(fiscal.days) - 1:
        raise OutsideCalendar(day, fiscal)
    return at


def covers(grain: Grain, day: date, calendar: Calendar) -> bool:
    """Whether a grain has a partition that holds a day: a calendar file may not go so far."""
    if grain not in FISCAL or first_month_of(grain, calendar) is not None:
        return True
    days = fiscal_of(calendar).days
    return days[0] <= day.isoformat() < days[-1]


def end_of(grain: Grain, calendar: Calendar) -> date | None:
    """The day after the last partition of a grain, where a calendar file ends it."""
    if grain not in FISCAL or first_month_of(grain, calendar) is not None:
        return None
    return date.fromisoformat(fiscal_of(calendar).days[-1])


def neighbours(grain: Grain, labels: Iterable[str], calendar: Calendar) -> tuple[str, ...]:
    """The first days of some fiscal periods of a calendar file, and of those before and after each."""
    fiscal, size = fiscal_of(calendar), FISCAL[grain]
    places = (month_at(fiscal, day_of(label)) for label in labels)
    near = {one for at in places for one in (at - size, at, at + size) if one >= 0}
    return tuple(fiscal.days[one] for one in sorted(near))

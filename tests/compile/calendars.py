"""Random fiscal calendars, and which day begins what in them: by stepping, apart from the code under test."""

from __future__ import annotations

from datetime import date, timedelta
from functools import lru_cache

from hypothesis import strategies as st

from dashpipe.spec.model import FISCAL, WEEKDAYS, Calendar, Fiscal, Grain

DAY = timedelta(days=1)

#: The Sunday on or after which every calendar file of these tests begins, and how many years it has.
BEGIN, YEARS = date(1986, 2, 2), 58


@lru_cache(maxsize=32)
def by_weeks(weeks: tuple[int, int, int], week_53: int, every: int, shift: int) -> Fiscal:
    """A calendar of weeks, with a 53rd in each so-many-th year, laid out day by day.

    Args:
        weeks: Of the months of a quarter.
        week_53: The month, 1 to 12, that takes the 53rd.
        every: Each so-many-th year has one.
        shift: Days after ``BEGIN`` on which the calendar begins.
    """
    day, days = BEGIN + shift * DAY, []
    for year in range(YEARS):
        for month in range(1, 13):
            days.append(day.isoformat())
            long = month == week_53 and year % every == every - 1
            for _ in range(weeks[(month - 1) % 3] + (1 if long else 0)):
                day += 7 * DAY
    return Fiscal(days=(*days, day.isoformat()), name="weeks")


@lru_cache(maxsize=32)
def by_hand(lengths: tuple[int, ...]) -> Fiscal:
    """A calendar whose months have these lengths in turn, whatever the week."""
    day, days = BEGIN, []
    for month in range(12 * YEARS):
        days.append(day.isoformat())
        day += lengths[month % len(lengths)] * DAY
    return Fiscal(days=(*days, day.isoformat()), name="hand")


fiscals = st.one_of(
    st.integers(1, 12).map(Fiscal),
    st.builds(
        by_weeks,
        st.sampled_from([(4, 4, 5), (4, 5, 4), (5, 4, 4)]),
        st.sampled_from([12, 12, 1, 6]),
        st.integers(1, 6),
        st.integers(0, 6),
    ),
    st.lists(st.integers(28, 42), min_size=5, max_size=7).map(tuple).map(by_hand),
)


def calendars(tz: str) -> st.SearchStrategy[Calendar]:
    """Calendars of a time zone."""
    return st.builds(Calendar, st.just(tz), st.sampled_from(WEEKDAYS), fiscals)


def begins(grain: Grain, day: date, calendar: Calendar) -> bool:
    """Whether a period of a grain (day or coarser) begins on a day."""
    if grain in FISCAL:
        assert calendar.fiscal is not None
        size, month = FISCAL[grain], calendar.fiscal.first_month
        if month is None:
            return day.isoformat() in _firsts(calendar.fiscal.days, size)
        return day.day == 1 and day.month in {(month - 1 + each) % 12 + 1 for each in range(0, 12, size)}
    return {
        Grain.DAY: True,
        Grain.WEEK: day.strftime("%A").lower() == calendar.week_start,
        Grain.MONTH: day.day == 1,
        Grain.QUARTER: day.day == 1 and day.month in (1, 4, 7, 10),
        Grain.YEAR: day.day == 1 and day.month == 1,
    }[grain]


@lru_cache(maxsize=4096)
def first_of(grain: Grain, day: date, calendar: Calendar) -> str:
    """The label of the period that holds a day, found by stepping back a day at a time."""
    while not begins(grain, day, calendar):
        day -= DAY
    return day.isoformat()


@lru_cache(maxsize=64)
def _firsts(days: tuple[str, ...], size: int) -> frozenset[str]:
    return frozenset(one for at, one in enumerate(days) if at % size == 0)

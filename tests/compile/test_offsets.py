"""Offsets against a walk: a calendar as the list of its days, in which periods are found by stepping."""

from __future__ import annotations

from bisect import bisect_right
from datetime import date, timedelta
from functools import lru_cache
from itertools import pairwise

import duckdb
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dashpipe.compile import offsets, periods
from dashpipe.spec import moves
from dashpipe.spec.model import FISCAL, Calendar, Fiscal, Grain
from tests.compile.calendars import begins, by_weeks, calendars

#: Units of an offset.
UNITS = tuple(one for one in Grain if one is not Grain.HOUR)
FIRST, LAST = date(2002, 1, 1), date(2029, 12, 31)

UTC = Calendar("UTC")
RETAIL = Calendar("UTC", fiscal=by_weeks((4, 4, 5), 12, 6, 0))

days = st.dates(date(2009, 1, 1), date(2022, 12, 31))
counts = st.integers(-5, 5)
units = st.sampled_from(UNITS)
any_calendar = calendars("UTC")

#: Calendars are walked a day at a time: a random one takes a while.
few = settings(max_examples=min(settings().max_examples, 60))

_DAYS = {Grain.DAY: 1, Grain.WEEK: 7}
_MONTHS = {Grain.MONTH: 1, Grain.QUARTER: 3, Grain.YEAR: 12}


@lru_cache(maxsize=256)
def starts(grain: Grain, calendar: Calendar) -> tuple[str, ...]:
    """The first day of each period between two years, by stepping a day at a time."""
    every = (FIRST + timedelta(days=step) for step in range((LAST - FIRST).days + 1))
    return tuple(one.isoformat() for one in every if begins(grain, one, calendar))


def holding(grain: Grain, day: date, calendar: Calendar) -> str:
    """The period that holds a day."""
    walk = starts(grain, calendar)
    return walk[bisect_right(walk, day.isoformat()) - 1]


def length(unit: Grain, grain: Grain) -> int:
    """How many periods of a grain a unit is, 0 where it is no whole number of them."""
    sizes = _DAYS if grain in _DAYS else _MONTHS if grain in _MONTHS else {**_MONTHS, **FISCAL}
    whole = sizes.get(unit, 0) % sizes[grain] == 0
    return sizes.get(unit, 0) // sizes[grain] if whole else 0


@few
@given(days, any_calendar, counts, st.sampled_from([(g, u) for g in UNITS for u in UNITS if length(u, g)]))
def test_whole_periods_are_counted_along_the_walk(
    day: date, calendar: Calendar, n: int, pair: tuple[Grain, Grain]
) -> None:
    """An offset of whole periods is so many steps along the list of periods."""
    grain, unit = pair
    walk = starts(grain, calendar)
    label = holding(grain, day, calendar)
    wanted = walk[walk.index(label) + n * length(unit, grain)]
    assert moves.fits(grain, n, unit)
    assert offsets.shift(grain, label, n, unit, calendar) == wanted
    assert offsets.shifted_onto(grain, wanted, n, unit, calendar) == (label,)


@given(days, counts, st.sampled_from((Grain.MONTH, Grain.QUARTER, Grain.YEAR)), st.integers(1, 12))
@example(date(2024, 2, 29), -1, Grain.YEAR, 7)
@example(date(2023, 3, 31), -1, Grain.MONTH, 4)
@example(date(2024, 12, 31), 2, Grain.MONTH, 12)
def test_a_day_moves_by_months_as_in_sql(day: date, n: int, unit: Grain, first_month: int) -> None:
    """A day moves as DuckDB adds an interval: what the other month lacks becomes its last day."""
    row = duckdb.execute(f"SELECT (?::DATE + INTERVAL ({n}) {unit.value})::DATE", [day]).fetchone()
    assert row is not None
    calendar = Calendar("UTC", fiscal=Fiscal(first_month))
    for one in (unit, Grain(f"fiscal_{unit.value}")):
        assert offsets.shift(Grain.DAY, day.isoformat(), n, one, calendar) == row[0].isoformat()


@few
@given(days, any_calendar, counts, st.sampled_from(sorted(FISCAL)))
@example(date(2021, 1, 30), RETAIL, -1, Grain.FISCAL_YEAR)
@example(date(2024, 3, 31), RETAIL, -1, Grain.FISCAL_MONTH)
def test_a_day_keeps_its_place_in_the_month_of_a_calendar_file(
    day: date, calendar: Calendar, n: int, unit: Grain
) -> None:
    """By fiscal months of a file a day keeps its place; beyond the other month's end, its weekday."""
    assert calendar.fiscal is not None
    if calendar.fiscal.first_month is not None:
        return
    walk = starts(Grain.FISCAL_MONTH, calendar)
    start = holding(Grain.FISCAL_MONTH, day, calendar)
    place = (day - date.fromisoformat(start)).days
    first, after = walk[walk.index(start) + n * FISCAL[unit] :][:2]
    month = [date.fromisoformat(first) + timedelta(days=step) for step in range(60)]
    month = [one for one in month if one.isoformat() < after]
    wanted = month[place] if place < len(month) else max(month[place % 7 :: 7])
    assert offsets.shift(Grain.DAY, day.isoformat(), n, unit, calendar) == wanted.isoformat()


@given(days, counts)
@example(date(2020, 12, 28), -1)
@example(date(2015, 12, 28), 5)
@example(date(2021, 1, 1), -1)
def test_a_week_moves_by_years_onto_the_same_iso_week(day: date, n: int) -> None:
    """A Monday's week keeps its ISO number, and 53 becomes 52 in a year without it."""
    year, week, _ = day.isocalendar()
    try:
        wanted = date.fromisocalendar(year + n, week, 1)
    except ValueError:
        wanted = date.fromisocalendar(year + n, 52, 1)
    label = holding(Grain.WEEK, day, UTC)
    assert offsets.shift(Grain.WEEK, label, n, Grain.YEAR, UTC) == wanted.isoformat()


@few
@given(days, any_calendar, counts)
def test_weeks_of_any_first_day_are_counted_by_their_fourth(day: date, calendar: Calendar, n: int) -> None:
    """Where weeks begin otherwise, the first of a year is the one whose fourth day is the first in it."""
    numbers: dict[str, tuple[int, int]] = {}
    places: dict[tuple[int, int], str] = {}
    before = (0, 0)
    for one in starts(Grain.WEEK, calendar):
        year = (date.fromisoformat(one) + timedelta(days=3)).year
        before = (year, before[1] + 1 if before[0] == year else 1)
        numbers[one] = before
        places[before] = one
    label = holding(Grain.WEEK, day, calendar)
    year, week = numbers[label]
    wanted = places.get((year + n, week), places[year + n, min(week, 52)])
    assert offsets.shift(Grain.WEEK, label, n, Grain.YEAR, calendar) == wanted


@few
@given(days, any_calendar, st.integers(-4, 4), units, units)
@example(date(2023, 2, 28), UTC, -1, Grain.DAY, Grain.YEAR)
@example(date(2019, 12, 23), UTC, -1, Grain.WEEK, Grain.YEAR)
@example(date(2023, 2, 28), UTC, -1, Grain.DAY, Grain.MONTH)
@example(date(2021, 1, 23), RETAIL, -1, Grain.DAY, Grain.FISCAL_YEAR)
@example(date(2024, 2, 24), RETAIL, -1, Grain.DAY, Grain.FISCAL_MONTH)
def test_readers_are_all_that_move_onto_a_partition(
    day: date, calendar: Calendar, n: int, grain: Grain, unit: Grain
) -> None:
    """The readers of a partition are those of the walk that are moved onto it, and no more."""
    if not moves.fits(grain, n, unit):
        return
    label = holding(grain, day, calendar)
    found = offsets.shifted_onto(grain, label, n, unit, calendar)
    near = [one for one in starts(grain, calendar) if abs(date.fromisoformat(one) - day).days < 365 * 8]
    assert list(found) == [one for one in near if offsets.shift(grain, one, n, unit, calendar) == label]


@few
@given(days, any_calendar, st.integers(-400, 400).filter(bool), units, units)
@example(date(2024, 5, 6), UTC, 7, Grain.WEEK, Grain.DAY)
@example(date(2024, 4, 1), UTC, 12, Grain.YEAR, Grain.MONTH)
@example(date(2024, 5, 6), RETAIL, 28, Grain.FISCAL_MONTH, Grain.DAY)
def test_what_fits_lands_on_starts(day: date, calendar: Calendar, n: int, grain: Grain, unit: Grain) -> None:
    """An offset that fits lands on a partition's start; one that does not is refused."""
    label = periods.of_date(grain, day, calendar)
    if not moves.fits(grain, n, unit):
        with pytest.raises(ValueError, match="is no offset at grain"):
            offsets.shift(grain, label, n, unit, calendar)
        return
    try:
        moved = offsets.shift(grain, label, n, unit, calendar)
    except periods.OutsideCalendar:
        return
    if moved is not None and date(1, 1, 8) < date.fromisoformat(moved):
        before = date.fromisoformat(moved) < date(1987, 1, 1)
        assert before or periods.of_date(grain, date.fromisoformat(moved), calendar) == moved


plain = st.sampled_from([one for one in UNITS if one not in FISCAL])


@few
@given(any_calendar, st.integers(1, 30), plain, plain)
def test_what_does_not_fit_lands_beside(calendar: Calendar, n: int, grain: Grain, unit: Grain) -> None:
    """What is refused would have moved some partition's start into the middle of another one."""
    if moves.fits(grain, n, unit):
        return
    walk = starts(grain, calendar)
    beside = [offsets.shift(Grain.DAY, one, -n, unit, calendar) for one in walk[-30:-1]]
    assert any(one is None or (one > walk[0] and one not in walk) for one in beside)


@few
@given(days, any_calendar, units, units)
@example(date(2024, 3, 31), UTC, Grain.WEEK, Grain.MONTH)
@example(date(2024, 2, 29), UTC, Grain.DAY, Grain.MONTH)
@example(date(2024, 3, 2), RETAIL, Grain.MONTH, Grain.FISCAL_QUARTER)
def test_a_value_to_date_runs_from_the_start_of_the_last_days_period(
    day: date, calendar: Calendar, grain: Grain, unit: Grain
) -> None:
    """The period of a value to date is that of the partition's last day."""
    label = holding(grain, day, calendar)
    after = dict(pairwise(starts(grain, calendar)))[label]
    last = date.fromisoformat(after) - timedelta(days=1)
    assert periods.last_day(grain, label, calendar) == last
    assert offsets.period_start(grain, label, unit, calendar) == holding(unit, last, calendar)


def test_hours_have_no_offsets() -> None:
    """No offset is one of hours, or moves hours: a day of 23 of them has no twin of each."""
    assert moves.fitting(1, Grain.WEEK, Grain) == (Grain.DAY, Grain.WEEK)
    assert moves.fitting(1, Grain.HOUR, Grain) == ()
    assert moves.fitting(1, Grain.YEAR, Grain) == UNITS
    assert moves.fitting(-1, Grain.MONTH, Grain) == (Grain.DAY, Grain.MONTH, Grain.FISCAL_MONTH)
    assert moves.fitting(3, Grain.FISCAL_MONTH, Grain) == (
        Grain.DAY,
        Grain.FISCAL_MONTH,
        Grain.FISCAL_QUARTER,
    )


def test_before_the_first_date_there_is_none() -> None:
    """What would lie before the first date that there is has no label."""
    assert offsets.shift(Grain.YEAR, "0001-01-01", -1, Grain.YEAR, UTC) is None
    assert offsets.shifted_onto(Grain.YEAR, "0001-01-01", 1, Grain.YEAR, UTC) == ()


def test_beyond_a_calendar_file_nothing_is_guessed() -> None:
    """Before a calendar file nothing was; beyond its end an offset is refused, and nothing reads yet."""
    fiscal = Fiscal(
        days=("2024-02-04", *(f"2024-{month:02}-04" for month in range(3, 13)), "2025-01-04", "2025-02-02")
    )
    calendar = Calendar("UTC", fiscal=fiscal)
    first, last = fiscal.days[0], fiscal.days[-2]
    assert offsets.shift(Grain.FISCAL_MONTH, first, -1, Grain.FISCAL_MONTH, calendar) is None
    with pytest.raises(periods.OutsideCalendar, match="2025-02-02 is outside of the calendar"):
        offsets.shift(Grain.FISCAL_MONTH, last, 1, Grain.FISCAL_MONTH, calendar)
    assert offsets.shifted_onto(Grain.FISCAL_MONTH, last, -1, Grain.FISCAL_MONTH, calendar) == ()
    with pytest.raises(periods.OutsideCalendar):
        periods.first_day(Grain.FISCAL_YEAR, date(2025, 2, 2), calendar)
    with pytest.raises(periods.OutsideCalendar):
        periods.first_day(Grain.FISCAL_YEAR, date(2024, 2, 3), calendar)

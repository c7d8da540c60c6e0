"""Offsets against a walk: a calendar as the list of its days, in which periods are found by stepping."""

from __future__ import annotations

from bisect import bisect_right
from datetime import date, timedelta
from functools import lru_cache
from itertools import pairwise

import duckdb
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dashpipe.compile import offsets, periods
from dashpipe.spec import moves
from dashpipe.spec.model import WEEKDAYS, Calendar, Grain

#: Units of an offset.
UNITS = (Grain.DAY, Grain.WEEK, Grain.MONTH, Grain.QUARTER, Grain.YEAR)
FIRST, LAST = date(1995, 1, 1), date(2035, 12, 31)

days = st.dates(date(2004, 1, 1), date(2026, 12, 31))
weekdays = st.sampled_from(WEEKDAYS)
counts = st.integers(-8, 8)


@lru_cache(maxsize=64)
def starts(grain: Grain, week_start: str) -> tuple[str, ...]:
    """The first day of each period between two years, by stepping a day at a time."""
    begins = {
        Grain.DAY: lambda one: True,
        Grain.WEEK: lambda one: one.strftime("%A").lower() == week_start,
        Grain.MONTH: lambda one: one.day == 1,
        Grain.QUARTER: lambda one: one.day == 1 and one.month in (1, 4, 7, 10),
        Grain.YEAR: lambda one: one.day == 1 and one.month == 1,
    }[grain]
    every = (FIRST + timedelta(days=step) for step in range((LAST - FIRST).days + 1))
    return tuple(one.isoformat() for one in every if begins(one))


def holding(grain: Grain, day: date, week_start: str) -> str:
    """The period that holds a day."""
    walk = starts(grain, week_start)
    return walk[bisect_right(walk, day.isoformat()) - 1]


def lengths(unit: Grain, grain: Grain) -> int | None:
    """How many periods of a grain a unit is, where that is the same for all."""
    sizes = {
        Grain.DAY: (1, 0),
        Grain.WEEK: (7, 0),
        Grain.MONTH: (0, 1),
        Grain.QUARTER: (0, 3),
        Grain.YEAR: (0, 12),
    }
    (unit_days, unit_months), (days_each, months_each) = sizes[unit], sizes[grain]
    if days_each:
        return unit_days // days_each if unit_days and unit_days % days_each == 0 else None
    return unit_months // months_each if unit_months and unit_months % months_each == 0 else None


@given(days, weekdays, counts, st.sampled_from([(g, u) for g in UNITS for u in UNITS if lengths(u, g)]))
def test_whole_periods_are_counted_along_the_walk(
    day: date, week_start: str, n: int, pair: tuple[Grain, Grain]
) -> None:
    """An offset of whole periods is so many steps along the list of periods."""
    grain, unit = pair
    calendar, walk = Calendar("UTC", week_start), starts(grain, week_start)
    label = holding(grain, day, week_start)
    wanted = walk[walk.index(label) + n * (lengths(unit, grain) or 0)]
    assert moves.fits(grain, n, unit)
    assert offsets.shift(grain, label, n, unit, calendar) == wanted
    assert offsets.shifted_onto(grain, wanted, n, unit, calendar) == (label,)


@given(days, counts, st.sampled_from((Grain.MONTH, Grain.QUARTER, Grain.YEAR)))
@example(date(2024, 2, 29), -1, Grain.YEAR)
@example(date(2023, 3, 31), -1, Grain.MONTH)
@example(date(2024, 12, 31), 2, Grain.MONTH)
def test_a_day_moves_by_months_as_in_sql(day: date, n: int, unit: Grain) -> None:
    """A day moves as DuckDB adds an interval: what the other month lacks becomes its last day."""
    row = duckdb.execute(f"SELECT (?::DATE + INTERVAL ({n}) {unit.value})::DATE", [day]).fetchone()
    assert row is not None
    assert offsets.shift(Grain.DAY, day.isoformat(), n, unit, Calendar("UTC")) == row[0].isoformat()


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
    label = holding(Grain.WEEK, day, "monday")
    assert offsets.shift(Grain.WEEK, label, n, Grain.YEAR, Calendar("UTC")) == wanted.isoformat()


@given(days, weekdays, counts)
def test_weeks_of_any_first_day_are_counted_by_their_fourth(day: date, week_start: str, n: int) -> None:
    """Where weeks begin otherwise, the first of a year is the one whose fourth day is the first in it."""
    numbers: dict[str, tuple[int, int]] = {}
    places: dict[tuple[int, int], str] = {}
    before = (0, 0)
    for one in starts(Grain.WEEK, week_start):
        year = (date.fromisoformat(one) + timedelta(days=3)).year
        before = (year, before[1] + 1 if before[0] == year else 1)
        numbers[one] = before
        places[before] = one
    label = holding(Grain.WEEK, day, week_start)
    year, week = numbers[label]
    wanted = places.get((year + n, week), places[year + n, min(week, 52)])
    assert offsets.shift(Grain.WEEK, label, n, Grain.YEAR, Calendar("UTC", week_start)) == wanted


@given(days, weekdays, st.integers(-4, 4), st.sampled_from(UNITS), st.sampled_from(UNITS))
@example(date(2023, 2, 28), "monday", -1, Grain.DAY, Grain.YEAR)
@example(date(2019, 12, 23), "monday", -1, Grain.WEEK, Grain.YEAR)
@example(date(2023, 2, 28), "monday", -1, Grain.DAY, Grain.MONTH)
def test_readers_are_all_that_move_onto_a_partition(
    day: date, week_start: str, n: int, grain: Grain, unit: Grain
) -> None:
    """The readers of a partition are those of the walk that are moved onto it, and no more."""
    if not moves.fits(grain, n, unit):
        return
    calendar = Calendar("UTC", week_start)
    label = holding(grain, day, week_start)
    wanted = [
        one for one in starts(grain, week_start) if offsets.shift(grain, one, n, unit, calendar) == label
    ]
    assert list(offsets.shifted_onto(grain, label, n, unit, calendar)) == wanted


@given(days, weekdays, st.integers(-400, 400).filter(bool), st.sampled_from(UNITS), st.sampled_from(UNITS))
@example(date(2024, 5, 6), "monday", 7, Grain.WEEK, Grain.DAY)
@example(date(2024, 4, 1), "monday", 12, Grain.YEAR, Grain.MONTH)
def test_what_fits_lands_on_starts(day: date, week_start: str, n: int, grain: Grain, unit: Grain) -> None:
    """An offset that fits lands on a partition's start; one that does not is refused: it lands beside."""
    calendar = Calendar("UTC", week_start)
    label = periods.of_date(grain, day, calendar)
    if moves.fits(grain, n, unit):
        moved = offsets.shift(grain, label, n, unit, calendar)
        assert moved is not None
        assert periods.of_date(grain, date.fromisoformat(moved), calendar) == moved
        return
    with pytest.raises(ValueError, match="is no offset at grain"):
        offsets.shift(grain, label, n, unit, calendar)
    beside = [offsets.shift(Grain.DAY, one, n, unit, calendar) for one in starts(grain, week_start)[5:30]]
    assert not all(one is not None and one in starts(grain, week_start) for one in beside)


@given(days, weekdays, st.sampled_from(UNITS), st.sampled_from(UNITS))
@example(date(2024, 3, 31), "monday", Grain.WEEK, Grain.MONTH)
@example(date(2024, 2, 29), "monday", Grain.DAY, Grain.MONTH)
def test_a_value_to_date_runs_from_the_start_of_the_last_days_period(
    day: date, week_start: str, grain: Grain, unit: Grain
) -> None:
    """The period of a value to date is that of the partition's last day."""
    calendar, walk = Calendar("UTC", week_start), starts(grain, week_start)
    label = holding(grain, day, week_start)
    after = dict(pairwise(walk))[label]
    last = date.fromisoformat(after) - timedelta(days=1)
    assert periods.last_day(grain, label, calendar) == last
    assert offsets.period_start(grain, label, unit, calendar) == holding(unit, last, week_start)


def test_hours_have_no_offsets() -> None:
    """No offset is one of hours, or moves hours: a day of 23 of them has no twin of each."""
    assert moves.fitting(1, Grain.WEEK, Grain) == (Grain.DAY, Grain.WEEK)
    assert moves.fitting(1, Grain.HOUR, Grain) == ()
    assert moves.fitting(1, Grain.YEAR, Grain) == UNITS
    assert moves.fitting(-1, Grain.MONTH, Grain) == (Grain.DAY, Grain.MONTH)


def test_before_the_first_date_there_is_none() -> None:
    """What would lie before the first date that there is has no label."""
    assert offsets.shift(Grain.YEAR, "0001-01-01", -1, Grain.YEAR, Calendar("UTC")) is None
    assert offsets.shifted_onto(Grain.YEAR, "0001-01-01", 1, Grain.YEAR, Calendar("UTC")) == ()

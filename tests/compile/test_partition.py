"""Partitions against an independent walk: every minute of a stretch, asked for its local date and hour."""

from __future__ import annotations

import zoneinfo
from datetime import date, datetime, timedelta, timezone
from functools import lru_cache
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dashpipe.compile import partition, periods
from dashpipe.spec import nesting
from dashpipe.spec.model import Calendar, Grain
from tests.compile.calendars import calendars, first_of

MINUTE = timedelta(minutes=1)

#: (zone, a local day on or beside a change of its clock), and quiet days.
CHANGES = (
    ("Europe/London", date(2024, 3, 31)),
    ("Europe/London", date(2024, 10, 27)),
    ("America/New_York", date(2024, 3, 10)),
    ("America/New_York", date(2024, 11, 3)),
    ("Australia/Lord_Howe", date(2024, 4, 7)),  # half an hour
    ("Australia/Lord_Howe", date(2024, 10, 6)),
    ("America/Sao_Paulo", date(2018, 11, 4)),  # midnight skipped
    ("America/Sao_Paulo", date(2018, 2, 17)),  # the last hour of the day repeated
    ("America/Havana", date(2024, 11, 3)),  # midnight repeated within its day
    ("America/Havana", date(2024, 3, 10)),
    ("America/St_Johns", date(2010, 11, 6)),  # set back over a midnight that has just passed
    ("America/St_Johns", date(2010, 11, 7)),
    ("Asia/Gaza", date(2011, 4, 1)),  # a minute past the hour
    ("Antarctica/Casey", date(2020, 10, 4)),
    ("Antarctica/Casey", date(2010, 3, 4)),  # three hours back over midnight
    ("Pacific/Apia", date(2011, 12, 29)),  # the day after it does not exist
    ("Asia/Kathmandu", date(2024, 4, 13)),
    ("Asia/Shanghai", date(2024, 2, 29)),
    ("UTC", date(1999, 12, 31)),
)

_zones = sorted(
    one for one in zoneinfo.available_timezones() if not one.startswith(("posix", "right", "SystemV"))
)

places = st.one_of(
    st.sampled_from(CHANGES),
    st.tuples(st.sampled_from(_zones), st.dates(date(1990, 1, 1), date(2037, 11, 1))),
)


@lru_cache(maxsize=64)
def walk(tz: str, around: date, days: int) -> tuple[tuple[datetime, str, str], ...]:
    """Every minute from two days before ``around`` to ``days`` after it: instant, local date, local hour."""
    at = datetime(around.year, around.month, around.day, tzinfo=timezone.utc) - timedelta(days=2)
    found = []
    for _ in range((days + 4) * 1440):
        local = at.astimezone(zoneinfo.ZoneInfo(tz))
        found.append((at, local.date().isoformat(), local.strftime("%Y-%m-%dT%H%z")))
        at += MINUTE
    return tuple(found)


@given(places)
@example(("America/St_Johns", date(2010, 11, 7)))
@example(("Pacific/Apia", date(2011, 12, 29)))
def test_a_day_is_its_minutes(place: tuple[str, date]) -> None:
    """A day's bounds are its first minute and the minute after its last one, whatever its clock does."""
    tz, day = place
    mine = [at for at, local, _ in walk(tz, day, 1) if local == day.isoformat()]
    start, end = partition.bounds(Grain.DAY, day.isoformat(), Calendar(tz))
    if not mine:
        assert start == end
    else:
        assert (start, end) == (mine[0], mine[-1] + MINUTE)


@given(places)
@example(("America/St_Johns", date(2010, 11, 6)))
@example(("Antarctica/Casey", date(2020, 10, 4)))
@example(("Australia/Lord_Howe", date(2024, 4, 7)))
def test_hours_are_runs_of_minutes(place: tuple[str, date]) -> None:
    """The hours of a day are the runs of minutes with one local hour and offset; a repeated hour is two."""
    tz, day = place
    runs: list[list[object]] = []
    for at, local, hour in walk(tz, day, 1):
        if local != day.isoformat():
            continue
        if runs and runs[-1][0] == hour and runs[-1][2] == at:
            runs[-1][2] = at + MINUTE
        else:
            runs.append([hour, at, at + MINUTE])
    assert [list(one) for one in partition.hours_of(day, tz)] == runs
    assert len({one[0] for one in runs}) == len(runs)


@pytest.mark.parametrize("grain", [Grain.HOUR, Grain.DAY])
def test_a_minute_past_midnight_before_the_clock_goes_back_is_touched(grain: Grain) -> None:
    """The first minute of 7 November 2010 in St John's lies before the last hour of the 6th."""
    start, end = (datetime(2010, 11, day, hour, 30, tzinfo=timezone.utc) for day, hour in ((6, 2), (7, 3)))
    first = partition.touching(grain, start, end, Calendar("America/St_Johns"))[-1]
    assert first.startswith("2010-11-07")


@given(places, st.sampled_from(list(Grain)), st.data())
def test_touching_is_what_the_minutes_say(place: tuple[str, date], grain: Grain, data: st.DataObject) -> None:
    """The partitions that touch a stretch of time are those of its minutes, in order."""
    tz, day = place
    calendar = data.draw(calendars(tz))
    minutes = walk(tz, day, 3)
    # Whole days are asked for, as windows are: from a local midnight to one.
    starts = [at for (at, local, _), before in zip(minutes[1:], minutes) if local > before[1]]
    chosen = sorted(data.draw(st.lists(st.sampled_from(starts), min_size=2, max_size=2, unique=True)))
    inside = [one for one in minutes if chosen[0] <= one[0] < chosen[1]]
    if grain is Grain.HOUR:
        wanted = dict.fromkeys(hour for _, _, hour in inside)
    else:
        locals_ = dict.fromkeys(local for _, local, _ in inside)
        wanted = dict.fromkeys(first_of(grain, date.fromisoformat(one), calendar) for one in locals_)
    assert set(partition.touching(grain, *chosen, calendar)) >= set(wanted)
    if not partition.ragged(Grain.DAY, [local for _, local, _ in minutes], calendar):
        assert list(partition.touching(grain, *chosen, calendar)) == list(wanted)


@given(places, st.sampled_from(list(Grain)), st.data())
def test_an_instant_lies_in_its_partition(place: tuple[str, date], grain: Grain, data: st.DataObject) -> None:
    """Each instant lies within the bounds of the partition that it is said to be in."""
    tz, day = place
    calendar = data.draw(calendars(tz))
    some = walk(tz, day, 1)[::37]
    firsts = {}
    if grain is not Grain.HOUR:
        days = {local for _, local, _ in some}
        firsts = {local: first_of(grain, date.fromisoformat(local), calendar) for local in days}
    for at, local, hour in some:
        label = partition.of_instant(grain, at, calendar)
        assert label == firsts.get(local, hour)
        start, end = partition.bounds(grain, label, calendar)
        assert start <= at < end


@given(places, st.sampled_from([one for one in Grain if nesting.NESTS[one]]), st.data())
def test_finer_partitions_make_up_the_coarser(
    place: tuple[str, date], grain: Grain, data: st.DataObject
) -> None:
    """The finer partitions of a coarser one follow each other and cover exactly its range."""
    tz, day = place
    calendar = data.draw(calendars(tz))
    label = periods.of_date(grain, day, calendar)
    bounds = partition.bounds(grain, label, calendar)
    for fine in nesting.NESTS[grain]:
        if fine is Grain.HOUR and grain not in (Grain.DAY, Grain.WEEK):
            continue  # thousands of hours say nothing that a week's do not
        inside = partition.contains(grain, label, fine, calendar)
        if bounds[0] == bounds[1]:
            assert inside == ()
            continue
        assert all(periods.of_date(grain, periods.day_of(one), calendar) == label for one in inside)
        days = [one[:10] for one in inside]
        if fine is Grain.HOUR and partition.ragged(Grain.DAY, days, calendar):
            continue  # a day's last hour lies after the first minute of the next one
        assert partition.ranges(fine, reversed(inside), calendar) == (bounds,)
        assert partition.ordered(fine, reversed(inside), calendar) == inside


@given(places, st.sampled_from([Grain.HOUR, Grain.DAY]), st.data())
def test_ranges_cover_their_partitions_and_nothing_else(
    place: tuple[str, date], grain: Grain, data: st.DataObject
) -> None:
    """A minute is in the ranges of some partitions if, and only if, it is in one of these partitions."""
    tz, day = place
    minutes = walk(tz, day, 2)
    names = {at: (hour if grain is Grain.HOUR else local) for at, local, hour in minutes}
    whole = sorted({local for _, local, _ in minutes})[1:-1]
    pool = sorted({names[at] for at, local, _ in minutes if local in whole})
    labels = data.draw(st.lists(st.sampled_from(pool), min_size=1, max_size=4))
    ranges = partition.ranges(grain, labels, Calendar(tz))
    assert all(one[1] < other[0] for one, other in pairwise(ranges))
    covered = {at for at in names if any(start <= at < end for start, end in ranges)}
    mine = {at for at, name in names.items() if name in labels}
    assert covered >= mine
    if not partition.ragged(grain, labels, Calendar(tz)):
        assert covered == mine


@given(places, st.sampled_from([Grain.HOUR, Grain.DAY]), st.integers(0, 4 * 1440))
def test_a_partition_is_complete_once_it_ended(place: tuple[str, date], grain: Grain, minute: int) -> None:
    """As of an instant, the partitions with minutes at or after it are the incomplete ones."""
    tz, day = place
    minutes = walk(tz, day, 2)
    whole = sorted({local for _, local, _ in minutes})[1:-1]
    as_of = minutes[minute][0]
    names = [(hour if grain is Grain.HOUR else local, at) for at, local, hour in minutes if local in whole]
    labels = tuple(dict.fromkeys(name for name, _ in names))
    wanted = {name for name, at in names if at + MINUTE > as_of}
    assert set(partition.incomplete(grain, labels, as_of, Calendar(tz))) == wanted


def test_a_label_that_names_no_hour_is_refused() -> None:
    """An hour that a clock change skipped is no partition."""
    with pytest.raises(ValueError, match="2024-03-31T01\\+0000 is no hour of Europe/London"):
        partition.bounds(Grain.HOUR, "2024-03-31T01+0000", Calendar("Europe/London"))


def test_ranges_of_nothing_are_none() -> None:
    """No partitions cover no time, and an empty stretch touches none."""
    at = datetime(2024, 1, 1, tzinfo=timezone.utc)
    assert partition.ranges(Grain.DAY, (), Calendar("UTC")) == ()
    assert partition.touching(Grain.DAY, at, at, Calendar("UTC")) == ()

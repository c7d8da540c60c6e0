"""Covers of hours."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from dashpipe.compile import partition
from dashpipe.compile.covers.cover import Cover, begun, carried_from
from dashpipe.compile.frame import Frame
from dashpipe.compile.offsets import period_start, window_start
from dashpipe.compile.periods import day_of, last_day
from dashpipe.spec.model import Calendar, Grain, Period


def of_hours(frame: Frame, grain: Grain, label: str, calendar: Calendar, as_of: datetime | None) -> Cover:
    """What an hour takes, or a longer partition whose window is of hours: whole hours of the clock."""
    day = day_of(label) if grain is Grain.HOUR or frame.first else last_day(grain, label, calendar)
    day = day if grain is Grain.HOUR else begun(day_of(label), day, calendar, as_of)
    today = _names(day, calendar)
    if frame.carry is not None:
        return _hours_before(frame, frame.carry, label, calendar)
    if grain is Grain.HOUR:
        today = today[: today.index(label) + 1]
    elif as_of is not None:
        names = [name for name, at, _ in partition.hours_of(day, calendar.timezone) if at < as_of]
        today = tuple(names) or today[:1]
    if frame.all_time:
        return Cover(label, None, day, today)
    if frame.window is None and frame.to_date is None:
        return Cover(label, day, day, today)
    if frame.to_date is not None:
        first = period_start(Grain.DAY, day.isoformat(), Grain(frame.to_date), calendar)
        return Cover(label, day_of(first), day, today)
    assert frame.window is not None
    if frame.window.unit == "hour":
        left, at, hours = frame.window.n - len(today), day, today[-frame.window.n :]
        while left > 0:
            at -= timedelta(days=1)
            before = _names(at, calendar)
            if left < len(before):
                return Cover(label, at + timedelta(days=1), day, (*before[-left:], *today))
            left -= len(before)
        return Cover(label, at, day, hours)
    # The same hour of the clock on the first day is over: the window begins behind it.
    start, clock = window_start(day, frame.window.n, Grain(frame.window.unit), calendar), label[11:13]
    before = tuple(one for one in _names(start, calendar) if one[11:13] > clock)
    return Cover(label, start + timedelta(days=1), day, (*before, *today))


def _hours_before(frame: Frame, carry: Period | str, label: str, calendar: Calendar) -> Cover:
    """What is carried to an hour: from the same hour of the clock on the first day on."""
    day = day_of(label)
    today = _names(day, calendar)
    hours = today[: today.index(label) + frame.own]
    start = carried_from(carry, day, calendar)
    if start is None:
        return Cover(label, None, day, hours, label)
    before = tuple(one for one in _names(start, calendar) if one[11:13] >= label[11:13])
    return Cover(label, start + timedelta(days=1), day, (*before, *hours), label)


def _names(day: date, calendar: Calendar) -> tuple[str, ...]:
    return tuple(name for name, _, _ in partition.hours_of(day, calendar.timezone))

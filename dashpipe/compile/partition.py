"""Partitions: the local calendar periods that rows belong to, their labels and their UTC bounds.

A partition is named by its label: the local date of its first day (``2024-03-31``), at grain hour the local
hour with its UTC offset (``2024-03-31T02+0800``), so that the hour which a clock change repeats is two
partitions. Bounds come from ``zoneinfo``: local midnights are converted one by one, so days of 23 and 25
hours are right.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta, timezone
from functools import lru_cache
from zoneinfo import ZoneInfo

from dashpipe.compile.periods import day_of, first_day, next_day, of_date
from dashpipe.spec.model import Calendar, Grain

UTC = timezone.utc

_TICK = timedelta(minutes=15)  # a stride: no hour ends and begins again within it
_HOUR = timedelta(hours=1)
_MINUTE = timedelta(minutes=1)  # since 1972 offsets are whole minutes and clocks change on whole minutes


@lru_cache(maxsize=64)
def zone(name: str) -> ZoneInfo:
    """The time zone of an IANA name."""
    return ZoneInfo(name)


def midnight(day: date, tz: str) -> datetime:
    """The UTC instant at which a local day begins.

    Where a clock change skips midnight the day begins at the change; where it repeats midnight, at the first.
    """
    # A skipped midnight is read with the offset before the change (PEP 495, fold=0): that is the change
    # itself.
    return datetime(day.year, day.month, day.day, tzinfo=zone(tz)).astimezone(UTC)


def _begins_last(day: date, tz: str) -> datetime:
    """The UTC instant after which the day before is over for good.

    It is the day's midnight, except where the clock goes back over a midnight that has just passed: a minute
    past it until 2010 in St John's. There the first minute of the day lies before the last hour of the day
    before.
    """
    first = midnight(day, tz)
    again = datetime(day.year, day.month, day.day, tzinfo=zone(tz), fold=1).astimezone(UTC)
    return again if again > first and local_date(again - _MINUTE, tz) < day else first


def local_date(instant: datetime, tz: str) -> date:
    """The local calendar day of an instant."""
    return instant.astimezone(zone(tz)).date()


def hour_label(instant: datetime, tz: str) -> str:
    """The label of the local hour that holds an instant: ``2024-03-31T02+0800``."""
    return instant.astimezone(zone(tz)).strftime("%Y-%m-%dT%H%z")


def _steady(start: datetime, end: datetime, tz: str) -> bool:
    """Whether a local day has one offset from UTC throughout, as all but a few have."""
    if end - start != 24 * _HOUR:
        return False
    offsets = {(start + tick * _TICK).astimezone(zone(tz)).utcoffset() for tick in range(97)}
    return len(offsets) == 1


@lru_cache(maxsize=4096)
def hours_of(day: date, tz: str) -> tuple[tuple[str, datetime, datetime], ...]:
    """The hours of a local day in time order: label, UTC start, UTC end."""
    at, end = midnight(day, tz), _begins_last(day + timedelta(days=1), tz)
    if _steady(at, end, tz):
        name, offset = day.isoformat(), at.astimezone(zone(tz)).strftime("%z")
        starts = [at + timedelta(hours=hour) for hour in range(24)]
        return tuple((f"{name}T{hour:02}{offset}", one, one + _HOUR) for hour, one in enumerate(starts))
    hours: list[tuple[str, datetime, datetime]] = []
    start, label = at, hour_label(at, tz)
    while at < end:
        at += _TICK if at + _TICK <= end and hour_label(at + _TICK, tz) == label else _MINUTE
        after = hour_label(at, tz) if at < end else ""
        if after != label:
            hours.append((label, start, at))
            start, label = at, after
    return tuple(one for one in hours if day_of(one[0]) == day)


def bounds(grain: Grain, label: str, calendar: Calendar) -> tuple[datetime, datetime]:
    """The UTC instants ``[start, end)`` of a partition.

    Raises:
        ValueError: The label names no partition of that grain.
    """
    day, tz = day_of(label), calendar.timezone
    if grain is Grain.HOUR:
        for name, start, end in hours_of(day, tz):
            if name == label:
                return start, end
        raise ValueError(f"{label} is no hour of {tz}")
    return midnight(day, tz), _begins_last(next_day(grain, day, calendar), tz)


def ragged(grain: Grain, labels: Iterable[str], calendar: Calendar) -> bool:
    """Whether the range of one partition holds instants of another: a clock was set back over midnight."""
    if grain is Grain.HOUR:
        return False
    tz = calendar.timezone
    edges = {edge for day in map(day_of, labels) for edge in (day, next_day(grain, day, calendar))}
    return any(_begins_last(edge, tz) != midnight(edge, tz) for edge in edges)


def of_instant(grain: Grain, instant: datetime, calendar: Calendar) -> str:
    """The label of the partition that holds an instant."""
    if grain is Grain.HOUR:
        return hour_label(instant, calendar.timezone)
    return first_day(grain, local_date(instant, calendar.timezone), calendar).isoformat()


def touching(grain: Grain, start: datetime, end: datetime, calendar: Calendar) -> tuple[str, ...]:
    """The labels of the partitions that touch ``[start, end)``, in time order.

    A day that the calendar of a zone skipped (30 December 2011 in Samoa) is none.
    """
    if end <= start:
        return ()
    labels: list[str] = []
    tz = calendar.timezone
    day = local_date(start, tz)
    if _begins_last(day, tz) > start:  # the day before ends late: the clock goes back over midnight
        day -= timedelta(days=1)
    if grain is Grain.HOUR:
        while midnight(day, tz) < end:
            labels += [name for name, lo, hi in hours_of(day, tz) if lo < end and hi > start]
            day += timedelta(days=1)
        return tuple(labels)
    day = first_day(grain, day, calendar)
    while midnight(day, tz) < end:
        after = next_day(grain, day, calendar)
        if midnight(day, tz) < midnight(after, tz) and _begins_last(after, tz) > start:
            labels.append(day.isoformat())
        day = after
    return tuple(labels)


def contains(coarse: Grain, label: str, fine: Grain, calendar: Calendar) -> tuple[str, ...]:
    """The labels of the partitions of grain ``fine`` that make up a partition of grain ``coarse``."""
    start, end = bounds(coarse, label, calendar)
    around = touching(fine, start, end, calendar)
    return tuple(one for one in around if of_date(coarse, day_of(one), calendar) == label)


def ordered(grain: Grain, labels: Iterable[str], calendar: Calendar) -> tuple[str, ...]:
    """Labels in time order, each once (text order is wrong in the hour that a clock change repeats)."""
    unique = set(labels)
    if grain is not Grain.HOUR:
        return tuple(sorted(unique))
    return tuple(sorted(unique, key=lambda label: bounds(grain, label, calendar)[0]))


def ranges(grain: Grain, labels: Iterable[str], calendar: Calendar) -> tuple[tuple[datetime, datetime], ...]:
    """The UTC ranges that the partitions cover: contiguous ones are joined."""
    joined: list[tuple[datetime, datetime]] = []
    for label in ordered(grain, labels, calendar):
        start, end = bounds(grain, label, calendar)
        if joined and joined[-1][1] >= start:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return tuple(joined)


def incomplete(grain: Grain, labels: Iterable[str], as_of: datetime, calendar: Calendar) -> tuple[str, ...]:
    """The labels whose partitions end after ``as_of``: their rows are not ``complete``."""
    return tuple(label for label in labels if bounds(grain, label, calendar)[1] > as_of)

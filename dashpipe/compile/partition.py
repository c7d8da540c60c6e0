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

from dashpipe.spec.model import WEEKDAYS, Grain

UTC = timezone.utc

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

_TICK = timedelta(minutes=15)  # a stride: no hour ends and begins again within it
_HOUR = timedelta(hours=1)
_MINUTE = timedelta(minutes=1)  # since 1972 offsets are whole minutes and clocks change on whole minutes


@lru_cache(maxsize=64)
def zone(name: str) -> ZoneInfo:
    """The time zone of an IANA name."""
    return ZoneInfo(name)


def finer(grain: Grain, among: Iterable[Grain]) -> tuple[Grain, ...]:
    """The grains of ``among`` that nest in ``grain``, coarsest first."""
    present = set(among)
    return tuple(one for one in NESTS[grain] if one in present)


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


def first_day(grain: Grain, day: date, week_start: str) -> date:
    """The first local day of the partition that holds ``day`` (grain day or coarser)."""
    if grain is Grain.WEEK:
        return day - timedelta(days=(day.weekday() - WEEKDAYS.index(week_start)) % 7)
    if grain is Grain.MONTH:
        return day.replace(day=1)
    if grain is Grain.QUARTER:
        return day.replace(month=(day.month - 1) // 3 * 3 + 1, day=1)
    if grain is Grain.YEAR:
        return day.replace(month=1, day=1)
    return day


def next_day(grain: Grain, first: date) -> date:
    """The first day after the partition that begins on ``first`` (grain day or coarser)."""
    if grain is Grain.WEEK:
        return first + timedelta(days=7)
    if grain in (Grain.MONTH, Grain.QUARTER):
        months = first.month - 1 + (1 if grain is Grain.MONTH else 3)
        return date(first.year + months // 12, months % 12 + 1, 1)
    if grain is Grain.YEAR:
        return date(first.year + 1, 1, 1)
    return first + timedelta(days=1)


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


def day_of(label: str) -> date:
    """The local date in a label (at grain hour: the day of the hour)."""
    return date.fromisoformat(label[:10])


def bounds(grain: Grain, label: str, tz: str) -> tuple[datetime, datetime]:
    """The UTC instants ``[start, end)`` of a partition.

    Raises:
        ValueError: The label names no partition of that grain.
    """
    day = day_of(label)
    if grain is Grain.HOUR:
        for name, start, end in hours_of(day, tz):
            if name == label:
                return start, end
        raise ValueError(f"{label} is no hour of {tz}")
    return midnight(day, tz), _begins_last(next_day(grain, day), tz)


def ragged(grain: Grain, labels: Iterable[str], tz: str) -> bool:
    """Whether the range of one partition holds instants of another: a clock was set back over midnight."""
    if grain is Grain.HOUR:
        return False
    edges = {edge for day in map(day_of, labels) for edge in (day, next_day(grain, day))}
    return any(_begins_last(edge, tz) != midnight(edge, tz) for edge in edges)


def of_instant(grain: Grain, instant: datetime, tz: str, week_start: str) -> str:
    """The label of the partition that holds an instant."""
    if grain is Grain.HOUR:
        return hour_label(instant, tz)
    return first_day(grain, local_date(instant, tz), week_start).isoformat()


def of_date(grain: Grain, day: date, week_start: str) -> str:
    """The label of the partition that holds a local day (grain day or coarser)."""
    return first_day(grain, day, week_start).isoformat()


def touching(grain: Grain, start: datetime, end: datetime, tz: str, week_start: str) -> tuple[str, ...]:
    """The labels of the partitions that touch ``[start, end)``, in time order.

    A day that the calendar of a zone skipped (30 December 2011 in Samoa) is none.
    """
    if end <= start:
        return ()
    labels: list[str] = []
    # The day before may end late, where the clock goes back over midnight.
    day = local_date(start, tz) - timedelta(days=1)
    if grain is Grain.HOUR:
        while midnight(day, tz) < end:
            labels += [name for name, lo, hi in hours_of(day, tz) if lo < end and hi > start]
            day += timedelta(days=1)
        return tuple(labels)
    day = first_day(grain, day, week_start)
    while midnight(day, tz) < end:
        after = next_day(grain, day)
        if midnight(day, tz) < midnight(after, tz) and _begins_last(after, tz) > start:
            labels.append(day.isoformat())
        day = after
    return tuple(labels)


def contains(coarse: Grain, label: str, fine: Grain, tz: str, week_start: str) -> tuple[str, ...]:
    """The labels of the partitions of grain ``fine`` that make up a partition of grain ``coarse``."""
    start, end = bounds(coarse, label, tz)
    around = touching(fine, start, end, tz, week_start)
    return tuple(one for one in around if of_date(coarse, day_of(one), week_start) == label)


def ordered(grain: Grain, labels: Iterable[str], tz: str) -> tuple[str, ...]:
    """Labels in time order, each once (text order is wrong in the hour that a clock change repeats)."""
    unique = set(labels)
    if grain is not Grain.HOUR:
        return tuple(sorted(unique))
    return tuple(sorted(unique, key=lambda label: bounds(grain, label, tz)[0]))


def ranges(grain: Grain, labels: Iterable[str], tz: str) -> tuple[tuple[datetime, datetime], ...]:
    """The UTC ranges that the partitions cover: contiguous ones are joined."""
    joined: list[tuple[datetime, datetime]] = []
    for label in ordered(grain, labels, tz):
        start, end = bounds(grain, label, tz)
        if joined and joined[-1][1] >= start:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return tuple(joined)


def incomplete(grain: Grain, labels: Iterable[str], as_of: datetime, tz: str) -> tuple[str, ...]:
    """The labels whose partitions end after ``as_of``: their rows are not ``complete``."""
    return tuple(label for label in labels if bounds(grain, label, tz)[1] > as_of)

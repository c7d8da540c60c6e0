"""Which documents a leaf covers, where they are not those of its row's own partition and key.

A frame moves the partition (offsets), then spreads it back (a window, a period to date, all time), and may
drop dimensions of the key. Over literal partitions it is a list of *covers*: for each partition, the days
(or hours) whose documents it takes. Everything is counted in local calendar days, never in seconds.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from dashpipe.compile import partition
from dashpipe.compile.offsets import period_start, shift, window_start
from dashpipe.compile.periods import OutsideCalendar, day_of, first_day, last_day, next_day, of_date
from dashpipe.spec.model import Calendar, Grain, Metric, Period

_TICK = timedelta(milliseconds=1)

#: The most days by which an offset falls short for want of a day in the other month.
_CLAMPED = 36


@dataclass(frozen=True, slots=True)
class Frame:
    """How the documents of a leaf lie to its row.

    Attributes:
        shifts: Offsets back in time, applied one after the other.
        window: The time up to the end of the (moved) partition.
        to_date: The period that the end lies in, from its first day on.
        all_time: All that came before the end.
        first: Whether the end is that of the partition's first day.
        of: The dimensions that the leaf is grouped by; ``None``: those of the row.
        carry: The time before the (moved) partition, or ``always``.
        ahead: How many partitions after the (moved) one are covered, with it and all that came before.
        own: Whether what is carried is covered with the partition itself; else without.
        daily: Whether it is of each day of the (moved) partition by itself, as of that day's end.
    """

    shifts: tuple[Period, ...] = ()
    window: Period | None = None
    to_date: str | None = None
    all_time: bool = False
    first: bool = False
    of: tuple[str, ...] | None = None
    carry: Period | str | None = None
    own: bool = False
    ahead: int | None = None
    daily: bool = False

    @property
    def plain(self) -> bool:
        """Whether it covers just the row's own partition and key."""
        return self == PLAIN

    @property
    def reaches(self) -> bool:
        """Whether it covers time beside the row's own partition."""
        return replace(self, of=None) != PLAIN

    @property
    def runs(self) -> bool:
        """Whether it spreads a partition back."""
        return self.all_time or self.window is not None or self.to_date is not None

    @property
    def runs_on(self) -> bool:
        """Whether it covers, for the row's own key, all that came before: what it covered goes on."""
        endless = self.all_time or isinstance(self.carry, str)
        return endless and self.of is None and not self.daily

    def atom(self, grain: Grain) -> Grain:
        """The partitions that covers are made of: whole days, or hours where hours count."""
        hours = grain is Grain.HOUR or (self.window is not None and self.window.unit == "hour")
        return Grain.HOUR if hours else Grain.DAY

    def __str__(self) -> str:
        """In words, for labels of columns and leaves."""
        told = [f"{one} before" for one in self.shifts]
        if self.window is not None:
            told.append(f"over {self.window}")
        if self.to_date is not None:
            told.append(f"{self.to_date} to date")
        if self.all_time:
            told.append("of all time")
        if self.first:
            told.append("as of the first day")
        if self.carry is not None:
            told.append(f"carried {self.carry}")
        if self.ahead is not None:
            told.append(f"and {self.ahead} later")
        if self.of is not None:
            told.append(f"of {', '.join(self.of) or 'all rows'}")
        if self.daily:
            told.append("by day")
        return ", ".join(told)

    @property
    def meaning(self) -> list[Any]:
        """What a leaf's identity takes of it."""
        return [
            [str(one) for one in self.shifts],
            None if self.window is None else str(self.window),
            self.to_date,
            self.all_time,
            self.first,
            None if self.of is None else list(self.of),
            *([] if self.carry is None else [str(self.carry), self.own]),
            *([] if self.ahead is None else ["ahead", self.ahead]),
            *(["daily"] if self.daily else []),
        ]


PLAIN = Frame()


@dataclass(frozen=True, slots=True)
class Cover:
    """What one partition takes: the days ``[start, end)``, without ``start`` all before; and these hours.

    ``own`` is the first day of the partition that is meant, or its hour, where what lies in it is told apart.
    ``day`` is the day of the partition that it is taken for, where each is by itself.
    """

    label: str
    start: date | None
    end: date
    hours: tuple[str, ...] = ()
    own: str = ""
    day: str = ""

    @property
    def place(self) -> str:
        """What it is for: a partition, or a day of one."""
        return f"{self.label}@{self.day}" if self.day else self.label


def moved(frame: Frame, period: Period) -> Frame:
    """The frame that long before."""
    return replace(frame, shifts=(*frame.shifts, period))


def cumulated(frame: Frame, metric: Metric) -> Frame:
    """The frame of what a cumulative metric is made of."""
    return replace(
        frame,
        window=metric.window,
        to_date=metric.to_date,
        all_time=metric.window is None and metric.to_date is None,
        first=metric.period_agg == "first",
    )


def by_day(frame: Frame) -> Frame:
    """The frame of what each day of the partition takes, as of its end."""
    return replace(frame, daily=True)


def carried(frame: Frame, carry: Period | str, *, own: bool) -> Frame:
    """The frame of what lies before the partition; with ``own``, of the partition too."""
    return replace(frame, carry=carry, own=own)


def ahead(periods: int) -> Frame:
    """The frame of what came before the end of the last of some partitions after this one."""
    return Frame(ahead=periods)


def covers(
    frame: Frame, grain: Grain, labels: tuple[str, ...], calendar: Calendar, as_of: datetime | None = None
) -> tuple[Cover, ...]:
    """What each of some partitions takes, in their order; those whose offset leads nowhere are left out.

    A partition that is not over runs back from the day (or hour) of ``as_of``, not from its own end, which
    lies in the future: the last seven days of this month are the last seven.

    Args:
        frame: The frame.
        grain: The grain of the partitions.
        labels: The partitions.
        calendar: The subject's calendar.
        as_of: The run's instant; ``None``: all partitions are over.
    """
    made = []
    for label in labels:
        at = source_label(frame, grain, label, calendar)
        if at is not None and frame.daily:
            made += _by_day(frame, grain, at, label, calendar, as_of)
        elif at is not None:
            cover = _hours if frame.atom(grain) is Grain.HOUR else _days
            made.append(replace(cover(frame, grain, at, calendar, as_of), label=label))
    return tuple(made)


def _by_day(
    frame: Frame, grain: Grain, at: str, label: str, calendar: Calendar, as_of: datetime | None
) -> list[Cover]:
    """What each day of a partition takes, of those that have begun; its first day is always one."""
    day, end = day_of(at), _begun(day_of(at), last_day(grain, at, calendar), calendar, as_of)
    one, made = replace(frame, shifts=(), daily=False), []
    cover = _hours if one.atom(Grain.DAY) is Grain.HOUR else _days
    while day <= end:
        name = day.isoformat()
        made.append(replace(cover(one, Grain.DAY, name, calendar, as_of), label=label, day=name))
        day += timedelta(days=1)
    return made


def source_label(frame: Frame, grain: Grain, label: str, calendar: Calendar) -> str | None:
    """The partition that a frame's offsets lead to; ``None`` where there is none."""
    at: str | None = label
    for one in frame.shifts:
        at = None if at is None else shift(grain, at, -one.n, Grain(one.unit), calendar)
    return at


def known_from(frame: Frame, grain: Grain, start: str, calendar: Calendar) -> str | None:
    """The first partition whose offset does not lead before ``start``; ``None``: there is no such limit.

    Args:
        frame: The frame.
        grain: A grain at which its offsets fit.
        start: The first day that is written (ISO text).
        calendar: The subject's calendar.
    """
    if not frame.shifts:
        return None
    first = of_date(grain, day_of(start), calendar)
    try:
        at = first
        for one in frame.shifts:
            at = shift(grain, at, one.n, Grain(one.unit), calendar) or at
        # Offsets clamp (29 February, week 53): look a little around the day that the sum of them gives.
        early = day_of(at) - timedelta(days=_CLAMPED * len(frame.shifts))
        candidate = first_day(grain, max(early, day_of(first)), calendar)
        while True:
            label = candidate.isoformat()
            found = source_label(frame, grain, label, calendar)
            if found is not None and found >= first:
                return label
            candidate = next_day(grain, candidate, calendar)
    except OutsideCalendar:
        assert calendar.fiscal is not None
        return calendar.fiscal.days[-1]  # none, as far as the calendar goes


def _days(frame: Frame, grain: Grain, label: str, calendar: Calendar, as_of: datetime | None) -> Cover:
    start = day_of(label)
    if frame.carry is not None:
        end = last_day(grain, label, calendar) + timedelta(days=1) if frame.own else start
        return Cover(label, _carried_from(frame.carry, start, calendar), end, own=label)
    if frame.ahead is not None:
        end = start
        for _ in range(frame.ahead + 1):
            end = next_day(grain, end, calendar)
        return Cover(label, None, end)
    last = start if frame.first else last_day(grain, label, calendar)
    end = (_begun(start, last, calendar, as_of) if frame.runs else last) + timedelta(days=1)
    if frame.all_time:
        return Cover(label, None, end)
    if frame.window is not None:
        return Cover(label, window_start(end, frame.window.n, Grain(frame.window.unit), calendar), end)
    if frame.to_date is not None:
        first = period_start(Grain.DAY, (end - timedelta(days=1)).isoformat(), Grain(frame.to_date), calendar)
        return Cover(label, day_of(first), end)
    return Cover(label, start, end)


def _carried_from(carry: Period | str, day: date, calendar: Calendar) -> date | None:
    """The first day whose values are carried to what begins on a day; ``None``: all are."""
    return None if isinstance(carry, str) else window_start(day, carry.n, Grain(carry.unit), calendar)


def _begun(first: date, last: date, calendar: Calendar, as_of: datetime | None) -> date:
    """The last of some days that has begun; the first of them where none has."""
    if as_of is None:
        return last
    today = partition.local_date(as_of - _TICK, calendar.timezone)
    return max(first, min(last, today))


def _hours(frame: Frame, grain: Grain, label: str, calendar: Calendar, as_of: datetime | None) -> Cover:
    """What an hour takes, or a longer partition whose window is of hours: whole hours of the clock."""
    day = day_of(label) if grain is Grain.HOUR or frame.first else last_day(grain, label, calendar)
    day = day if grain is Grain.HOUR else _begun(day_of(label), day, calendar, as_of)
    today = _names(day, calendar)
    if frame.carry is not None:
        return _hours_before(frame, frame.carry, label, calendar)
    if grain is Grain.HOUR:
        today = today[: today.index(label) + 1]
    elif as_of is not None:
        begun = [name for name, at, _ in partition.hours_of(day, calendar.timezone) if at < as_of]
        today = tuple(begun) or today[:1]
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
    start = _carried_from(carry, day, calendar)
    if start is None:
        return Cover(label, None, day, hours, label)
    before = tuple(one for one in _names(start, calendar) if one[11:13] >= label[11:13])
    return Cover(label, start + timedelta(days=1), day, (*before, *hours), label)


def _names(day: date, calendar: Calendar) -> tuple[str, ...]:
    return tuple(name for name, _, _ in partition.hours_of(day, calendar.timezone))

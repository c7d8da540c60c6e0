"""Frames over literal partitions: for each, the days (or hours) whose documents it takes.

Everything is counted in local calendar days, never in seconds.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from dashpipe.compile.covers.cover import Cover, begun
from dashpipe.compile.covers.days import of_days
from dashpipe.compile.covers.hours import of_hours
from dashpipe.compile.covers.offsets import known_from, source_label
from dashpipe.compile.frame import Frame
from dashpipe.compile.periods import OutsideCalendar, day_of, last_day
from dashpipe.spec.model import Calendar, Grain

__all__ = ["Cover", "covers", "known_from", "source_label"]


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
        if at is None:
            continue
        try:
            made += _of(frame, grain, at, label, calendar, as_of)
        except OutsideCalendar:
            # A calendar file covers what rows reach back to from the subject's start, and no more: an offset
            # to before the start is null whatever lies there.
            if not frame.shifts:
                raise
    return tuple(made)


def _of(
    frame: Frame, grain: Grain, at: str, label: str, calendar: Calendar, as_of: datetime | None
) -> list[Cover]:
    if frame.daily:
        return _by_day(frame, grain, at, label, calendar, as_of)
    cover = of_hours if frame.atom(grain) is Grain.HOUR else of_days
    return [replace(cover(frame, grain, at, calendar, as_of), label=label)]


def _by_day(
    frame: Frame, grain: Grain, at: str, label: str, calendar: Calendar, as_of: datetime | None
) -> list[Cover]:
    """What each day of a partition takes, of those that have begun; its first day is always one."""
    day, end = day_of(at), begun(day_of(at), last_day(grain, at, calendar), calendar, as_of)
    one, made = replace(frame, shifts=(), daily=False), []
    cover = of_hours if one.atom(Grain.DAY) is Grain.HOUR else of_days
    while day <= end:
        name = day.isoformat()
        made.append(replace(cover(one, Grain.DAY, name, calendar, as_of), label=label, day=name))
        day += timedelta(days=1)
    return made

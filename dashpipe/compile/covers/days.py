"""Covers of whole days."""

from __future__ import annotations

from datetime import datetime, timedelta

from dashpipe.compile.covers.cover import Cover, begun, carried_from
from dashpipe.compile.frame import Frame
from dashpipe.compile.offsets import period_start, window_start
from dashpipe.compile.periods import ahead, day_of, last_day
from dashpipe.spec.model import Calendar, Grain


def of_days(frame: Frame, grain: Grain, label: str, calendar: Calendar, as_of: datetime | None) -> Cover:
    """What a partition takes, in days."""
    start = day_of(label)
    if frame.carry is not None:
        end = last_day(grain, label, calendar) + timedelta(days=1) if frame.own else start
        return Cover(label, carried_from(frame.carry, start, calendar), end, own=label)
    if frame.ahead is not None:
        return Cover(label, None, ahead(grain, start, frame.ahead, calendar)[-1])
    last = start if frame.first else last_day(grain, label, calendar)
    end = (begun(start, last, calendar, as_of) if frame.runs else last) + timedelta(days=1)
    if frame.all_time:
        return Cover(label, None, end)
    if frame.window is not None:
        return Cover(label, window_start(end, frame.window.n, Grain(frame.window.unit), calendar), end)
    if frame.to_date is not None:
        first = period_start(Grain.DAY, (end - timedelta(days=1)).isoformat(), Grain(frame.to_date), calendar)
        return Cover(label, day_of(first), end)
    return Cover(label, start, end)

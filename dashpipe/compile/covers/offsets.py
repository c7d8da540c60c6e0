"""Where offsets lead."""

from __future__ import annotations

from datetime import timedelta

from dashpipe.compile.frame import Frame
from dashpipe.compile.offsets import shift
from dashpipe.compile.periods import OutsideCalendar, day_of, first_day, next_day, of_date
from dashpipe.spec.model import Calendar, Grain

#: The most days by which an offset falls short for want of a day in the other month.
_CLAMPED = 36


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

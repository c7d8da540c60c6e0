"""Which documents a leaf covers, where they are not those of its row's own partition and key.

A frame moves the partition (offsets), then spreads it back (a window, a period to date, all time), and may
drop dimensions of the key.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from dashpipe.spec.model import Grain, Metric, Period


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

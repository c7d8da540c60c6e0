"""Partitions, and what each takes of a source's days (or hours), as tables of literals."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from dashpipe.compile import partition
from dashpipe.compile.covers import Cover, covers
from dashpipe.compile.frame import Frame
from dashpipe.compile.periods import day_of, last_day
from dashpipe.compile.sql.expression import instant
from dashpipe.spec.model import Calendar, Grain

_DAY = timedelta(days=1)

#: The column that names a day of a partition.
OF_DAY = "of_day"

#: Before every document.
_EVER = date(1, 1, 3)


@dataclass(frozen=True, slots=True)
class Spans:
    """A table of literals: a partition a line, with the days or the instants that it takes."""

    name: str
    lines: tuple[str, ...]
    hours: bool
    label: tuple[str, ...]
    own: bool = False

    @property
    def statement(self) -> str:
        """The table, as it stands behind ``WITH``."""
        edges: tuple[str, ...] = ("starts", "ends") if self.hours else ("first_day", "last_day")
        edges += ("own_from",) if self.own else ()
        head = f"{self.name}({', '.join((*self.label, *edges))})"
        if not self.lines:
            type_ = "TIMESTAMPTZ" if self.hours else "DATE"
            none = ["NULL::VARCHAR"] * len(self.label) + [f"NULL::{type_}"] * len(edges)
            return f"{head} AS (SELECT {', '.join(none)} WHERE FALSE)"
        return f"{head} AS (\n  VALUES\n    " + ",\n    ".join(self.lines) + "\n)"

    def holds(self, day: str, time: str) -> str:
        """The test that a document lies in the span."""
        if self.hours:
            return f"{time} >= {self.name}.starts AND {time} < {self.name}.ends"
        return f"{day} BETWEEN {self.name}.first_day AND {self.name}.last_day"

    def mine(self, day: str, time: str) -> str:
        """The test that a document lies in the partition itself, and not in what is carried to it."""
        return f"{time if self.hours else day} >= {self.name}.own_from"


def own(grain: Grain, labels: tuple[str, ...], calendar: Calendar) -> Spans:
    """The partitions themselves."""
    lines = []
    for label in labels:
        if grain is Grain.HOUR:
            lines.append(_hour(label, *partition.bounds(grain, label, calendar), tz=calendar.timezone))
        else:
            lines.append(_days(label, day_of(label), last_day(grain, label, calendar)))
    return Spans("partitions", tuple(lines), grain is Grain.HOUR, label_columns(grain))


def framed(name: str, frame: Frame, grain: Grain, labels: tuple[str, ...], calendar: Calendar) -> Spans:
    """What a frame makes each partition take."""
    hours = frame.atom(grain) is Grain.HOUR
    lines = []
    for one in covers(frame, grain, labels, calendar):
        if hours:
            edges = list(_instants(one, calendar))
            edges += [partition.bounds(Grain.HOUR, one.own, calendar)[0]] if frame.own else []
            lines.append(_hour(one.label, *edges, tz=calendar.timezone, day=one.day))
        else:
            days = [one.start or _EVER, one.end - _DAY, *([day_of(one.own)] if frame.own else [])]
            lines.append(_days(one.label, *days, day=one.day))
    return Spans(name, tuple(lines), hours, label_columns(grain, daily=frame.daily), frame.own)


def each_day(
    name: str, frame: Frame, grain: Grain, labels: tuple[str, ...], calendar: Calendar
) -> tuple[str, tuple[str, ...]]:
    """The table of the days of each partition, as it stands behind ``WITH``, and its columns."""
    columns = label_columns(grain, daily=True)
    lines = [f"('{one.label}', '{one.day}')" for one in covers(frame, grain, labels, calendar)]
    return f"{name}({', '.join(columns)}) AS (\n  VALUES\n    " + ",\n    ".join(lines) + "\n)", columns


def label_columns(grain: Grain, *, daily: bool = False) -> tuple[str, ...]:
    """The columns that name a partition, or a day of one."""
    if daily:
        return ("partition_date", OF_DAY)
    return ("partition_date", "partition_hour") if grain is Grain.HOUR else ("partition_date",)


def _instants(cover: Cover, calendar: Calendar) -> tuple[datetime, datetime]:
    """The instants that whole hours of a cover lie between: they follow one another without a gap."""
    days = [(one[1], one[2]) for one in _hours(cover, calendar)]
    starts, ends = [one for one, _ in days], [one for _, one in days]
    if cover.start is None:
        starts.append(partition.midnight(_EVER, calendar.timezone))
    elif cover.start < cover.end:
        starts.append(partition.midnight(cover.start, calendar.timezone))
    if cover.start != cover.end or not ends:  # whole days, also where no hour follows them
        ends.append(partition.midnight(cover.end, calendar.timezone))
    return min(starts, default=max(ends)), max(ends)


def _hours(cover: Cover, calendar: Calendar) -> Iterable[tuple[str, datetime, datetime]]:
    wanted = set(cover.hours)
    for day in sorted({day_of(one) for one in wanted}):
        yield from (one for one in partition.hours_of(day, calendar.timezone) if one[0] in wanted)


def _days(label: str, *days: date, day: str = "") -> str:
    told = [f"'{one}'" for one in (label, day) if one]
    told += [f"DATE '{one.isoformat()}'" for one in days]
    return f"({', '.join(told)})"


def _hour(label: str, *edges: datetime, tz: str, day: str = "") -> str:
    told = [f"'{one}'" for one in ((label[:10], label[11:]) if "T" in label else (label, day)) if one]
    told += [instant(one, tz) for one in edges]
    return f"({', '.join(told)})"

"""Snapshots: documents without a time are counted as they stand, in the partitions that the run is in.

What is over is never computed again: its documents are no more what they were.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from dashpipe.compile import partition
from dashpipe.run import window
from dashpipe.run.base import Request, Run, Window
from dashpipe.run.errors import Refused
from dashpipe.spec.model import Grain, Subject

_TICK = timedelta(milliseconds=1)


def choose(request: Request, subject: Subject, asked: Window, as_of: datetime) -> Window:
    """The window of a run that takes a snapshot: the local day that ``as_of`` lies in.

    Raises:
        Refused: The run is of days that are over: by name, by a logical date, as a backfill.
    """
    day = partition.local_date(as_of, subject.timezone)
    first = partition.midnight(day, subject.timezone)
    if asked.end <= first and (request.start is not None or request.kind in ("manual", "backfill")):
        last = partition.local_date(asked.end - _TICK, subject.timezone)
        raise Refused(
            f"the days up to {last} are over, and a snapshot of the past cannot be taken",
            f"run {subject.id} without dates: it counts what its sources hold now, and the rows of days that "
            "are over stay as they are",
        )
    if request.start is not None:
        return asked
    return replace(asked, start=first, end=as_of, why="the day of the run, by `snapshot`", also=())


def labels(subject: Subject, as_of: datetime) -> dict[Grain, tuple[str, ...]]:
    """The partitions that are written: of each grain the one that holds ``as_of``, from ``start`` on."""
    after = as_of + _TICK
    return window.labels(subject, Window(as_of, after, ""), after)


def left_out(run: Run) -> dict[str, int]:
    """How many partitions of the window a run does not write since they are over, by grain."""
    asked = window.labels(run.subject, run.window, run.as_of)
    counts = {grain.value: len(set(some) - set(run.partitions[grain])) for grain, some in asked.items()}
    return {grain: count for grain, count in counts.items() if count}

"""Whether a source is fresh: how old its newest document was when the run began.

Only of runs that are about now: re-running an old window says nothing about the source.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

from dashpipe.run.base import Run
from dashpipe.run.checks.result import SKIPPED, Result, level, number
from dashpipe.spec.model import Check, Schedule

if TYPE_CHECKING:
    from dashpipe.lint.cron import Cron

#: What stands for a period where a subject has no cron expression.
_DAY = timedelta(days=1)


def judge(check: Check, run: Run, newest: datetime | None) -> Result:
    """Judge the age of a source's newest document at ``as_of``."""
    allowed = period(run.subject.schedule)
    if run.window.end < run.as_of - allowed:
        text = f"the window ended at {_said(run.window.end)}, more than a schedule period ago"
        return Result(check, None, None, SKIPPED, None, text)
    if newest is None:
        status, bounds = level(check, lambda one: one.hours is not None)
        said, hours = f"{check.source} has no document", None
    else:
        hours = (run.as_of - newest).total_seconds() / 3600
        status, bounds = level(check, lambda one: one.hours is not None and hours > one.hours)
        said = f"the newest document of {check.source} is {number(hours)} hours old ({_said(newest)})"
    limit = "anything" if bounds is None or bounds.hours is None else f"at most {number(bounds.hours)} hours"
    return Result(check, None, None, status, hours, f"{said}; expected: {limit}")


def period(schedule: Schedule | None) -> timedelta:
    """The longest time between two runs of a schedule."""
    if schedule is None or schedule.cron is None:
        return _DAY
    from dashpipe.lint import cron  # brings every rule of lint, and few runs need it

    fires = cron.parse(schedule.cron)
    times = sorted(hour * 60 + minute for hour in fires.hours for minute in fires.minutes)
    days = [day for day in range(4 * 366) if _fires_on(fires, date(2024, 1, 1) + timedelta(days=day))]
    within = [after - before for before, after in pairwise(times)]
    over = [(after - before) * 1440 + times[0] - times[-1] for before, after in pairwise(days)]
    return timedelta(minutes=max([*within, *over], default=1440 * 366))


def _fires_on(fires: Cron, day: date) -> bool:
    if day.month not in fires.months:
        return False
    in_month, in_week = day.day in fires.days, day.isoweekday() % 7 in fires.weekdays
    return in_month or in_week if fires.either_day else in_month and in_week


def _said(instant: datetime) -> str:
    return instant.isoformat(timespec="minutes").replace("+00:00", "Z")

"""A schedule that is no cron expression."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dashpipe.lint.cron import CronError, parse
from dashpipe.lint.rule import Problem, Rule
from dashpipe.spec.diagnostic import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dashpipe.lint.view import View
    from dashpipe.spec.model import Subject

#: A time of day, as people write it.
_TIME = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")

_WORDS = {
    "hourly": "@hourly",
    "daily": "@daily",
    "weekly": "@weekly",
    "monthly": "@monthly",
    "every hour": "@hourly",
    "every day": "@daily",
    "1h": "@hourly",
    "1d": "@daily",
}


def check(subject: Subject, view: View) -> Iterator[Problem]:
    """The schedule is five cron fields, or a preset."""
    if subject.schedule is None or subject.schedule.cron is None:
        return
    cron = subject.schedule.cron
    at = subject.origin.at("schedule")
    if cron.lower() in _WORDS:
        yield Problem(at, f"`{cron}` is no schedule", f'write "{_WORDS[cron.lower()]}", with the quotes')
        return
    if (time := _TIME.fullmatch(cron)) is not None:
        yield Problem(at, f"`{cron}` is a time of day", f'write "{int(time[2])} {int(time[1])} * * *"')
        return
    try:
        parse(cron)
    except CronError as error:
        yield Problem(view.within(at, cron, error.start, error.end), str(error), error.help)


RULE = Rule(
    code="T005",
    name="bad-cron",
    severity=Severity.ERROR,
    what="`schedule` cannot be read as cron.",
    why="A schedule is five fields (minute, hour, day of month, month, day of week) in the subject's time "
    "zone, or a preset "
    "such as @hourly. Seconds and years are not part of it.",
    bad='schedule: "61 2 * * *"',
    good='schedule: "15 2 * * *"',
    subject=check,
)

"""A cron expression that limits both the day of month and the day of week."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dashpipe.lint.cron import CronError, parse
from dashpipe.lint.rule import Problem, Rule
from dashpipe.spec.diagnostic import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dashpipe.lint.view import View
    from dashpipe.spec.model import Subject


def check(subject: Subject, _view: View) -> Iterator[Problem]:
    """Only one of the two day fields is limited."""
    if subject.schedule is None or subject.schedule.cron is None:
        return
    try:
        cron = parse(subject.schedule.cron)
    except CronError:
        return
    if cron.either_day:
        yield Problem(
            subject.origin.at("schedule"),
            "this runs on days that match the day of month or the day of week, not both",
            "write * for one of the two",
        )


RULE = Rule(
    code="T006",
    name="either-day",
    severity=Severity.WARNING,
    what="`schedule` limits both the day of month and the day of week.",
    why='Cron joins the two with "or": `0 6 1 * 1` runs on every first of a month and besides on every '
    "Monday.",
    bad='schedule: "0 6 1 * 1"',
    good='schedule: "0 6 * * 1"',
    subject=check,
)

"""Days of a calendar file that cannot be right."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dashpipe.lint.rule import Problem, Rule
from dashpipe.spec.calendars import build_calendar, is_calendar
from dashpipe.spec.diagnostic import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dashpipe.lint.view import View


def check(view: View) -> Iterator[Problem]:
    """The days of each calendar file exist, follow each other, and make whole years."""
    for file in view.project.files:
        if file.node is not None and is_calendar(file.node):
            for wrong in build_calendar(file.node, file.path)[1]:
                yield Problem(wrong.at, wrong.message, wrong.help)


RULE = Rule(
    code="T016",
    name="calendar-days",
    severity=Severity.ERROR,
    what="A calendar file has a day that does not exist, days out of order, or years that cannot be.",
    why="Every number of a fiscal period follows from these days. One mistyped day moves the sales of a week "
    "into another month, and nothing else would say so.",
    bad="""
# file: metrics/calendars/retail.yml
dashpipe: 1
calendar: retail
description: The retail year of the shops, by weeks.
pattern: 4-5-4
years: [2023-01-29, 2024-02-04, 2025-02-03, 2026-02-01]
last_day: 2027-01-30
""",
    good="""
# file: metrics/calendars/retail.yml
dashpipe: 1
calendar: retail
description: The retail year of the shops, by weeks.
pattern: 4-5-4
years: [2023-01-29, 2024-02-04, 2025-02-02, 2026-02-01]
last_day: 2027-01-30
""",
    whole=check,
)

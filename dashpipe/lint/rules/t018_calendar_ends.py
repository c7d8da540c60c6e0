"""A calendar that ends soon, or has ended."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

from dashpipe.lint.rule import Problem, Rule
from dashpipe.spec.diagnostic import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dashpipe.lint.view import View
    from dashpipe.spec.model import Subject


#: Days before a calendar's end from which on its next year should be there.
SOON = 60


def check(subject: Subject, view: View) -> Iterator[Problem]:
    """The calendar file reaches ``SOON`` days beyond the day of the lint."""
    fiscal = subject.fiscal
    if fiscal is None or not fiscal.days:
        return
    last = date.fromisoformat(fiscal.days[-1]) - timedelta(days=1)
    if (last - view.today).days < SOON:
        ends = "ends" if last >= view.today else "ended"
        yield Problem(
            fiscal.origin.at("last_day"),
            f"the calendar {ends} on {last}: runs of later days are refused",
            "add the next year, and write its last day here",
        )


RULE = Rule(
    code="T018",
    name="calendar-ends",
    severity=Severity.WARNING,
    what=f"A calendar file that a subject uses ends within {SOON} days, or has ended.",
    why="A day after it is of no fiscal period, so a run that comes to it is refused: nothing is guessed.",
    bad="""
# file: metrics/shop/other.yml
dashpipe: 1
subject: other
description: One row per local day and fiscal month.
sources:
  - orders
grains: [day, fiscal_month]
calendar: {file: calendars/retail.yml}
metrics:
  - revenue
checks:
  - {id: not-empty, type: row_count, fail: {below: 1}}
# file: metrics/calendars/retail.yml
dashpipe: 1
calendar: retail
description: The retail year of the shops, by weeks.
pattern: 4-5-4
years: [2023-01-29, 2024-02-04, 2025-02-02]
last_day: 2026-01-31
""",
    good="""
# file: metrics/shop/other.yml
dashpipe: 1
subject: other
description: One row per local day and fiscal month.
sources:
  - orders
grains: [day, fiscal_month]
calendar: {file: calendars/retail.yml}
metrics:
  - revenue
checks:
  - {id: not-empty, type: row_count, fail: {below: 1}}
# file: metrics/calendars/retail.yml
dashpipe: 1
calendar: retail
description: The retail year of the shops, by weeks.
pattern: 4-5-4
years: [2023-01-29, 2024-02-04, 2025-02-02, 2026-02-01]
last_day: 2027-01-30
""",
    subject=check,
)

"""A calendar that begins after the subject."""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING

from dashpipe.lint.fiscal import months
from dashpipe.lint.rule import Problem, Rule
from dashpipe.spec.diagnostic import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dashpipe.lint.view import View
    from dashpipe.spec.model import Subject


def check(subject: Subject, _view: View) -> Iterator[Problem]:
    """The calendar file covers the subject's start, and what windows reach back to from there."""
    fiscal = subject.fiscal
    if fiscal is None or not fiscal.days or len(subject.start) != 10:
        return
    back = months(subject)
    if bisect_right(fiscal.days, subject.start) > back:
        return
    if subject.start >= fiscal.days[0]:
        yield Problem(
            subject.origin.at("calendar", "file"),
            f"the calendar begins on {fiscal.days[0]}, and a window goes {back} fiscal months back from "
            f"{subject.start}",
            "add the years before to the calendar file, or write a later `start`",
            ((fiscal.origin.at("calendar"), "the calendar"), (subject.origin.at("start"), "the start")),
        )
        return
    yield Problem(
        subject.origin.at("calendar", "file"),
        f"the calendar begins on {fiscal.days[0]}, and the subject on {subject.start}",
        "add the years before to the calendar file, or write a later `start`",
        ((fiscal.origin.at("calendar"), "the calendar"), (subject.origin.at("start"), "the start")),
    )


RULE = Rule(
    code="T017",
    name="calendar-begins-late",
    severity=Severity.ERROR,
    what="A calendar file begins after the subject's `start`.",
    why="The first partitions would belong to a fiscal period that nothing says.",
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
years: [2024-02-04, 2025-02-02, 2026-02-01]
last_day: 2027-01-30
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

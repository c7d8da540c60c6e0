"""A conversion whose window is longer than what is computed again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dashpipe.lint.rule import Problem, Rule
from dashpipe.spec.diagnostic import Severity
from dashpipe.spec.model import Lookback

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dashpipe.lint.view import View
    from dashpipe.spec.model import Period, Subject

#: The most days that a unit has.
_DAYS = {"day": 1, "week": 7, "month": 31, "quarter": 92, "year": 366}


def check(subject: Subject, _view: View) -> Iterator[Problem]:
    """Each run computes again the days whose base events may still convert."""
    back = (subject.lookback or Lookback()).dense
    for metric in subject.metrics:
        if metric.type != "conversion" or metric.window is None:
            continue
        wanted = _days(metric.window)
        if wanted > back:
            yield Problem(
                metric.origin.at("window"),
                f"a conversion may come {metric.window} later, and a run computes the last {back} days again",
                f"write `lookback_days: {wanted}`, or a shorter window",
            )


def _days(window: Period) -> int:
    if window.unit == "hour":
        return -(-window.n // 24)
    return window.n * _DAYS.get(window.unit.removeprefix("fiscal_"), 1)


RULE = Rule(
    code="M023",
    name="conversion-lookback",
    severity=Severity.ERROR,
    what="The window of a conversion is longer than `lookback_days`.",
    why="A conversion changes the row of its base event. A new event brings the day of that into the run; of "
    "one that was corrected in place nothing tells, so the days that may still convert are computed again.",
    bad="""
lookback_days: 3
metrics:
  - orders
  - {name: again, type: conversion, base: orders, conversion: orders, entity: customer_id, window: 7 days}
""",
    good="""
lookback_days: 7
metrics:
  - orders
  - {name: again, type: conversion, base: orders, conversion: orders, entity: customer_id, window: 7 days}
""",
    subject=check,
)

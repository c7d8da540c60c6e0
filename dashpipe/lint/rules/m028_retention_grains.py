"""A retention at other grains than its period."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dashpipe.lint.rule import Problem, Rule
from dashpipe.spec.diagnostic import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dashpipe.lint.view import View
    from dashpipe.spec.model import Subject


def check(subject: Subject, _view: View) -> Iterator[Problem]:
    """The cohorts of a retention are of its period, and so are its rows."""
    for metric in subject.metrics:
        if metric.period is not None and metric.grains != (metric.period,):
            yield Problem(
                metric.origin.at("grains"),
                f"`{metric.name}` is there at the grain of its `period` alone",
                f"take it out: it is `[{metric.period.value}]` by itself",
                on_key=True,
            )


RULE = Rule(
    code="M028",
    name="retention-grains",
    severity=Severity.ERROR,
    what="The `grains` of a retention are not its `period`.",
    why="Who came first in a month, and again in months after it, is said in the row of that month. A day "
    "has cohorts of its own: a second retention, by day.",
    bad="""
grains: [day, month]
metrics:
  - {name: back, source: orders, type: retention, entity: country, period: month, periods: 6, grains: [day]}
""",
    good="""
grains: [day, month]
metrics:
  - {name: back, source: orders, type: retention, entity: customer_id, period: month, periods: 6}
""",
    subject=check,
)

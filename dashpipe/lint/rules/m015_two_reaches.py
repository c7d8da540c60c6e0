"""A cumulative metric that runs over a window and to date at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dashpipe.lint.rule import Problem, Rule
from dashpipe.spec.diagnostic import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dashpipe.lint.view import View
    from dashpipe.spec.model import Subject


def check(subject: Subject, _view: View) -> Iterator[Problem]:
    """A cumulative metric has `window`, or `to_date`, or neither."""
    for metric in subject.metrics:
        if metric.type == "cumulative" and metric.window is not None and metric.to_date is not None:
            yield Problem(
                metric.origin.at("to_date"),
                f"`{metric.name}` has both `window` and `to_date`",
                "keep one of them; for both numbers define two metrics",
                related=((metric.origin.at("window"), "the window"),),
            )


RULE = Rule(
    code="M015",
    name="two-reaches",
    severity=Severity.ERROR,
    what="A cumulative metric has `window` and `to_date`.",
    why="A window counts back from the partition's end, to-date from a period's begin: one value has one.",
    bad="""
metrics:
  - orders
  - {name: orders_7d, type: cumulative, metric: orders, window: 7 days, to_date: month}
""",
    good="""
metrics:
  - orders
  - {name: orders_7d, type: cumulative, metric: orders, window: 7 days}
  - {name: orders_mtd, type: cumulative, metric: orders, to_date: month}
""",
    subject=check,
)

"""A percentile's share that is none."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from dashpipe.lint.rule import Problem, Rule
from dashpipe.spec.diagnostic import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dashpipe.lint.view import View
    from dashpipe.spec.model import Subject

#: Digits after the point: ranks are counted in whole numbers of 64 bits.
MOST = 9


def check(subject: Subject, _view: View) -> Iterator[Problem]:
    """The share of a percentile lies between 0 and 1."""
    for metric in subject.metrics:
        if metric.type != "percentile" or metric.p is None:
            continue
        p = Decimal(metric.p)
        at = metric.origin.at("p")
        if not 0 < p < 1:
            yield Problem(at, f"`p` is a share between 0 and 1, and {metric.p} is none", _cure(p))
        elif len(metric.p.partition(".")[2]) > MOST:
            yield Problem(
                at,
                f"`p` has more than {MOST} digits after the point",
                f"write {round(p, MOST).normalize():f}",
            )


def _cure(p: Decimal) -> str:
    if p == 0:
        return "the least value is `type: min`"
    if p in (1, 100):
        return "the greatest value is `type: max`"
    if 1 < p < 100:
        return f"write {(p / 100).normalize():f}"
    return "write a number such as 0.9, for the 90th percentile"


RULE = Rule(
    code="M009",
    name="percentile-share",
    severity=Severity.ERROR,
    what="The `p` of a percentile does not lie between 0 and 1.",
    why="It is the share of the values that lie up to the percentile: 0.95 for the 95th. Its rank is counted "
    "in whole numbers, by the digits as they are written.",
    bad="""
metrics:
  - {name: slow, source: orders, type: percentile, expr: total, p: 95}
""",
    good="""
metrics:
  - {name: slow, source: orders, type: percentile, expr: total, p: 0.95}
""",
    subject=check,
)

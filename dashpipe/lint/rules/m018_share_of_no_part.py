"""A share of a metric whose values are no parts of a whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dashpipe.lint.rule import Problem, Rule
from dashpipe.lint.within import within
from dashpipe.spec.diagnostic import Severity
from dashpipe.spec.model import COHORTS, JOURNEYS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dashpipe.lint.view import View
    from dashpipe.spec.model import Metric, Subject

#: What is made of these may be divided by the same of more rows.
PARTS = frozenset({"count", "sum", "count_distinct", "derived", "cumulative", "share"})


def check(subject: Subject, view: View) -> Iterator[Problem]:
    """A share is of counts and sums, or of what is made of these."""
    for metric in subject.metrics:
        if metric.type != "share":
            continue
        for found in within(subject, view, metric):
            if found.type in COHORTS:
                continue  # a list is no number: that is said of its type
            if (found.type in PARTS and found.type != "share") or found.per or _counts(found):
                continue
            through = "" if found.name == metric.metric else f", which `{metric.metric}` is made of"
            word = "is a share itself" if found.type == "share" else f"is of type {found.type}"
            cure = "name a count, a sum or a distinct count"
            if found.type in JOURNEYS:
                word, cure = (
                    "is the rate of a conversion",
                    f"give `{found.name}` `as: count`, or name one that has",
                )
            yield Problem(
                metric.origin.at("metric"),
                f"`{found.name}` {word}{through}: it is no part of a whole",
                cure,
                related=((found.origin, f"`{found.name}`"),),
            )
            break


def _counts(metric: Metric) -> bool:
    """Whether it is a number of conversions: those of all rows are the whole."""
    return metric.type in JOURNEYS and metric.measured_as == "count"


RULE = Rule(
    code="M018",
    name="share-of-no-part",
    severity=Severity.ERROR,
    what="A share is of a ratio, an average, a percentile or the like.",
    why="The rate of one row is no part of the rate of all rows: their quotient may be 3, and means nothing.",
    bad="""
metrics:
  - orders
  - revenue
  - {name: basket, type: ratio, numerator: revenue, denominator: orders}
  - {name: basket_share, type: share, metric: basket, of: []}
""",
    good="""
metrics:
  - orders
  - {name: orders_share, type: share, metric: orders, of: []}
""",
    subject=check,
)

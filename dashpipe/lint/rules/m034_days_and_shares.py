"""A share of what is made of the values of days, or the other way round."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dashpipe.lint.rule import Problem, Rule
from dashpipe.lint.within import within
from dashpipe.spec.diagnostic import Severity
from dashpipe.spec.model import OF_DAYS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dashpipe.lint.view import View
    from dashpipe.spec.model import Subject


def check(subject: Subject, view: View) -> Iterator[Problem]:
    """No share is of an average of days, and no average of days is of shares."""
    for metric in subject.metrics:
        daily = metric.period_agg in OF_DAYS
        if metric.type != "share" and not daily:
            continue
        for found in within(subject, view, metric):
            if daily and found.type == "share":
                at, text = metric.origin.at("period_agg"), f"`{found.name}` is a share"
                cure = "take it out, for the share as of the partition's end"
            elif not daily and found.period_agg in OF_DAYS:
                at = metric.origin.at("metric")
                text = f"`{found.name}` is made of the values of days (`period_agg: {found.period_agg}`)"
                cure = "name one without `period_agg`: the share is then as of the partition's end"
            else:
                continue
            through = "" if found.name == metric.metric else f", which `{metric.metric}` is made of"
            yield Problem(at, text + through, cure, related=((found.origin, f"`{found.name}`"),))
            break


RULE = Rule(
    code="M034",
    name="days-and-shares",
    severity=Severity.ERROR,
    what="A share is of a metric with `period_agg: average`, `min` or `max`, or such a metric is of a share.",
    why="""
A row's days are those of a key that has a row in the partition. A whole is of all keys, also of those
without a row there, whose days nobody lists: the parts would not add up to it.""",
    bad="""
grains: [day, month]
metrics:
  - orders
  - {name: orders_ever, type: cumulative, metric: orders, period_agg: average}
  - {name: ever_share, type: share, metric: orders_ever, of: []}
""",
    good="""
grains: [day, month]
metrics:
  - orders
  - {name: orders_ever, type: cumulative, metric: orders}
  - {name: ever_share, type: share, metric: orders_ever, of: []}
""",
    subject=check,
)

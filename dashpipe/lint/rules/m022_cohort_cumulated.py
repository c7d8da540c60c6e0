"""A retention that is cumulated."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dashpipe.lint.rule import Problem, Rule
from dashpipe.lint.within import within
from dashpipe.spec.diagnostic import Severity
from dashpipe.spec.model import COHORTS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dashpipe.lint.view import View
    from dashpipe.spec.model import Subject


def check(subject: Subject, view: View) -> Iterator[Problem]:
    """No cumulative metric is of the shares of a cohort."""
    for metric in subject.metrics:
        if metric.type != "cumulative":
            continue
        found = next((one for one in within(subject, view, metric) if one.type in COHORTS), None)
        if found is not None:
            through = "" if found.name == metric.metric else f", which `{metric.metric}` is made of"
            yield Problem(
                metric.origin.at("metric"),
                f"`{found.name}` is a {found.type}{through}, and cannot be cumulated",
                "its list holds the later periods: write more `periods`",
                related=((found.origin, f"`{found.name}`"),),
            )


RULE = Rule(
    code="M022",
    name="cohort-cumulated",
    severity=Severity.ERROR,
    what="A cumulative metric is of a retention.",
    why="A retention is of the entities that are new in its period, in a list: such lists have no sum.",
    bad="""
grains: [month]
metrics:
  - orders
  - {name: back, type: retention, entity: customer_id, period: month, periods: 6}
  - {name: rolling, type: cumulative, metric: back, window: 3 months}
""",
    good="""
grains: [month]
metrics:
  - orders
  - {name: back, type: retention, entity: customer_id, period: month, periods: 6}
""",
    subject=check,
)

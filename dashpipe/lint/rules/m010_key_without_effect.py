"""A key of a metric that another one leaves without effect."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dashpipe.lint.rule import Problem, Rule
from dashpipe.spec.diagnostic import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dashpipe.lint.view import View
    from dashpipe.spec.model import Subject


def check(subject: Subject, _view: View) -> Iterator[Problem]:
    """No metric has a key that another of its keys leaves without effect."""
    for metric in subject.metrics:
        if metric.approximate and metric.method is not None:
            yield Problem(
                metric.origin.at("method"),
                "`method` has no effect beside `approximate`: the server estimates in its own way",
                "leave one of the two out",
                on_key=True,
            )
        if metric.having is not None and metric.cardinality_at_most is not None:
            yield Problem(
                metric.origin.at("cardinality_at_most"),
                "`cardinality_at_most` has no effect beside `having`, which groups by the value",
                "leave one of the two out",
                on_key=True,
            )


RULE = Rule(
    code="M010",
    name="key-without-effect",
    severity=Severity.WARNING,
    what="Two keys of a metric exclude each other, and one of them has no effect.",
    why="Whoever reads the spec would believe both: an estimate is neither discrete nor continuous, and a "
    "condition on each value needs a grouping that has no use for a set.",
    bad="""
metrics:
  - {name: slow, source: orders, type: percentile, expr: total, p: 0.9, method: continuous, approximate: true}
""",
    good="""
metrics:
  - {name: slow, source: orders, type: percentile, expr: total, p: 0.9, method: continuous}
""",
    subject=check,
)

"""A ratio whose two sides are one metric."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dashpipe.lint.rule import Problem, Rule
from dashpipe.spec.diagnostic import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dashpipe.lint.view import View
    from dashpipe.spec.model import Subject


def check(subject: Subject, _view: View) -> Iterator[Problem]:
    """Numerator and denominator of a ratio differ."""
    for metric in subject.metrics:
        if metric.type == "ratio" and metric.numerator is not None and metric.numerator == metric.denominator:
            yield Problem(
                metric.origin.at("denominator"),
                f"`{metric.numerator}` over itself is always 1",
                "name another metric as numerator or denominator",
                related=((metric.origin.at("numerator"), "the same"),),
            )


RULE = Rule(
    code="M005",
    name="ratio-of-itself",
    severity=Severity.ERROR,
    what="The numerator and the denominator of a ratio are the same metric.",
    why="Such a ratio is 1 wherever it is not null: one of the two is a slip.",
    bad="metrics:\n  - orders\n  - {name: share, type: ratio, numerator: orders, denominator: orders}",
    good="metrics:\n  - orders\n  - {name: basket, type: ratio, numerator: revenue, denominator: orders}",
    subject=check,
)

"""A metric with the name of a dimension."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dashpipe.lint.rule import Problem, Rule
from dashpipe.spec.diagnostic import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dashpipe.lint.view import View
    from dashpipe.spec.model import Subject


def check(subject: Subject, _view: View) -> Iterator[Problem]:
    """No metric of a row has the name of one of its dimensions."""
    dimensions = {one.name: one for one in subject.dimensions}
    for metric in subject.metrics:
        if metric.name in dimensions and not metric.hidden:
            yield Problem(
                metric.origin.at("name"),
                f"`{metric.name}` is a dimension of this row too",
                "give the metric another name: both would be one column of the row",
                related=((dimensions[metric.name].origin, "the dimension"),),
            )


RULE = Rule(
    code="M002",
    name="metric-is-dimension",
    severity=Severity.ERROR,
    what="A metric has the name of a dimension of the same row.",
    why="Metrics and dimensions are columns of one row: one would overwrite the other.",
    bad="metrics:\n  - {name: country, source: orders, type: count}",
    good="metrics:\n  - {name: orders_count, source: orders, type: count}",
    subject=check,
)

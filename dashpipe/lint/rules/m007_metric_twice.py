"""Two metrics that compute the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dashpipe.lint.rule import Problem, Rule
from dashpipe.spec.diagnostic import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dashpipe.lint.view import View
    from dashpipe.spec.model import Subject


def check(subject: Subject, _view: View) -> Iterator[Problem]:
    """No two metrics that the subject itself defines have the same type, source, expression and filter."""
    seen: dict[object, str] = {}
    origins = {one.name: one.origin for one in subject.metrics}
    for metric in subject.metrics:
        if metric.hidden or not metric.type:
            continue  # without a type its name was not found, which is said elsewhere
        meaning = (
            *(metric.type, metric.source, metric.expr, metric.where, metric.numerator, metric.denominator),
            *(metric.inputs, metric.grains, metric.on_zero, metric.has_empty, metric.empty, metric.fill),
            *(metric.p, metric.method, metric.approximate, metric.population, metric.k, metric.by),
            *(metric.having, metric.cardinality_at_most, metric.metric, metric.window, metric.to_date),
            *(metric.period_agg, metric.of, metric.counts, metric.mongo, metric.mongo_type),
            *(metric.base, metric.conversion, metric.entity, metric.measured_as, metric.per, metric.carry),
            *(metric.period, metric.periods),
        )
        first = seen.setdefault(meaning, metric.name)
        if first != metric.name and metric.origin.file == subject.origin.file:
            yield Problem(
                metric.origin.at("name"),
                f"`{metric.name}` computes the same as `{first}`",
                "leave one out, or change what one of them computes",
                related=((origins[first], "the same metric"),),
            )


RULE = Rule(
    code="M007",
    name="metric-twice",
    severity=Severity.WARNING,
    what="Two metrics of a subject compute the same number.",
    why="Most often a metric was copied and its filter was not changed yet.",
    bad="""
metrics:
  - {name: paid, source: orders, type: count, where: total > 0}
  - {name: free, source: orders, type: count, where: total > 0}
""",
    good="""
metrics:
  - {name: paid, source: orders, type: count, where: total > 0}
  - {name: free, source: orders, type: count, where: total = 0}
""",
    subject=check,
)

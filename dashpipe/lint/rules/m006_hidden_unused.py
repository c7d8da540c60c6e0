"""A hidden metric that nothing is made of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dashpipe.lint.rule import Problem, Rule
from dashpipe.spec.diagnostic import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dashpipe.lint.view import View
    from dashpipe.spec.model import Subject


def check(subject: Subject, view: View) -> Iterator[Problem]:
    """Each hidden metric that the subject itself defines is part of another."""
    used = {use.metric for one in subject.metrics for use in view.uses(one)}
    for metric in subject.metrics:
        if metric.hidden and metric.name not in used and metric.origin.file == subject.origin.file:
            yield Problem(
                metric.origin.at("hidden"),
                f"`{metric.name}` is hidden, and no metric is made of it",
                "leave out `hidden`, or the metric",
            )


RULE = Rule(
    code="M006",
    name="hidden-unused",
    severity=Severity.WARNING,
    what="A metric is `hidden` and nothing uses it.",
    why="It is computed and kept as state, and no one can ever see it.",
    bad="metrics:\n  - revenue\n  - {name: sold, source: orders, type: count, hidden: true}",
    good="metrics:\n  - revenue\n  - {name: sold, source: orders, type: count}",
    subject=check,
)

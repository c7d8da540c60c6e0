"""A check of a metric that the subject does not write."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dashpipe.lint.rule import Problem, Rule
from dashpipe.spec.diagnostic import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dashpipe.lint.view import View
    from dashpipe.spec.model import Subject


def check(subject: Subject, view: View) -> Iterator[Problem]:
    """The metric of each check is written in the rows."""
    metrics = {one.name: one for one in subject.metrics}
    written = [one.name for one in subject.metrics if not one.hidden]
    columns = {*written, *(one.name for one in subject.dimensions)}
    for one in subject.checks:
        if one.metric is None or one.metric in columns:
            continue
        at = one.origin.at("metric")
        if one.metric in metrics:
            text = f"`{one.metric}` is hidden: the rows do not have it"
            yield Problem(at, text, "list it under `metrics`, or check another metric")
            continue
        near = view.nearest(one.metric, written)
        help = f"did you mean {near}?" if near else f"write one of: {', '.join(written)}"
        yield Problem(at, f"there is no metric `{one.metric}` in this subject", help)


RULE = Rule(
    code="Q001",
    name="check-unknown-metric",
    severity=Severity.ERROR,
    what="A check names a metric that the subject's rows do not have.",
    why="Checks read the rows before they are published, so they see what is written: metrics that are "
    "listed and not hidden.",
    bad="checks:\n  - {id: positive, type: range, metric: revenu, fail: {below: 0}}",
    good="checks:\n  - {id: positive, type: range, metric: revenue, fail: {below: 0}}",
    subject=check,
)

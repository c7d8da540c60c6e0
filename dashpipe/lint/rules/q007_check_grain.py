"""A check at a grain at which there is nothing to check."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dashpipe.lint.rule import Problem, Rule
from dashpipe.spec.diagnostic import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dashpipe.lint.view import View
    from dashpipe.spec.model import Subject


def check(subject: Subject, _view: View) -> Iterator[Problem]:
    """A check's grain is one of the subject's, and its metric is there at that grain."""
    metrics = {one.name: one for one in subject.metrics}
    have = ", ".join(one.value for one in subject.grains)
    for one in subject.checks:
        grain = one.grain or subject.grains[0]
        if grain not in subject.grains:
            yield Problem(
                one.origin.at("grain"), f"the subject has no grain {grain.value}", f"write one of: {have}"
            )
            continue
        metric = metrics.get(one.metric or "")
        if metric is not None and metric.grains is not None and grain not in metric.grains:
            kept = ", ".join(each.value for each in metric.grains if each in subject.grains)
            yield Problem(
                one.origin.at("grain" if one.grain else "metric"),
                f"`{metric.name}` is not there at grain {grain.value}"
                + ("" if one.grain else ", the first one, at which checks are made"),
                f"write `grain:` with one of: {kept}",
                related=((metric.origin.at("grains"), f"the grains of `{metric.name}`"),),
            )


RULE = Rule(
    code="Q007",
    name="check-grain",
    severity=Severity.ERROR,
    what="A check is at a grain that the subject, or the metric that it checks, does not have.",
    why="A check reads the rows of one grain (the first, unless `grain` says otherwise). It would find "
    "nothing there.",
    bad="checks:\n  - {id: not-empty, type: row_count, grain: week, fail: {below: 1}}",
    good="checks:\n  - {id: not-empty, type: row_count, grain: month, fail: {below: 1}}",
    subject=check,
)

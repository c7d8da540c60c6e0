"""A metric at a grain that its subject does not have."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dashpipe.lint.rule import Problem, Rule
from dashpipe.spec.diagnostic import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dashpipe.lint.view import View
    from dashpipe.spec.model import Subject


def check(subject: Subject, _view: View) -> Iterator[Problem]:
    """A metric's grains are grains of the subject; one from a model has at least one of them."""
    have = ", ".join(one.value for one in subject.grains)
    for metric in subject.metrics:
        if metric.grains is None:
            continue
        related = ((subject.origin.at("grains"), "the subject's grains"),)
        if metric.origin.file != subject.origin.file:
            if not set(metric.grains) & set(subject.grains):
                text = f"`{metric.name}` has no grain of the subject {subject.name} ({have}): never written"
                at = metric.origin.at("grains" if metric.period is None else "period")
                yield Problem(at, text, "add such a grain to the subject", related)
            continue
        for index, grain in enumerate(metric.grains):
            if grain not in subject.grains:
                own = grain is metric.period
                yield Problem(
                    metric.origin.at("period") if own else metric.origin.at("grains", index),
                    f"the subject has no grain {grain.value}",
                    f"write of its grains ({have}), or add {grain.value} to the subject's",
                    related,
                )


RULE = Rule(
    code="M003",
    name="grain-missing",
    severity=Severity.ERROR,
    what="A metric's `grains` names a grain that the subject does not have.",
    why="A metric is written to the collections of the subject's grains; there is none for this one.",
    bad="""
grains: [day]
metrics:
  - {name: sold, source: orders, type: count, grains: [day, month]}
""",
    good="""
grains: [day, month]
metrics:
  - {name: sold, source: orders, type: count, grains: [day, month]}
""",
    subject=check,
)

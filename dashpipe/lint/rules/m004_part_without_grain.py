"""A composite at a grain at which a part of it is absent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dashpipe.lint.rule import Problem, Rule
from dashpipe.spec.diagnostic import Severity
from dashpipe.spec.model import COMPOSITES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dashpipe.lint.view import View
    from dashpipe.spec.model import Subject


def check(subject: Subject, view: View) -> Iterator[Problem]:
    """Each metric that a composite is made of is there at each of its grains."""
    metrics = {one.name: one for one in subject.metrics}
    for metric in subject.metrics:
        if metric.type not in COMPOSITES:
            continue  # `having` asks for a metric of each value, whatever its grains
        wanted = metric.grains or subject.grains
        for use in view.uses(metric):
            part = metrics.get(use.metric)
            if part is None or part.grains is None:
                continue
            absent = [one.value for one in wanted if one in subject.grains and one not in part.grains]
            if absent:
                kept = ", ".join(one.value for one in part.grains)
                yield Problem(
                    use.at,
                    f"`{part.name}` is not there at grain {', '.join(absent)}, at which `{metric.name}` is",
                    f"write `grains: [{kept}]` at `{metric.name}`",
                    related=((part.origin.at("grains"), f"the grains of `{part.name}`"),),
                )


RULE = Rule(
    code="M004",
    name="part-without-grain",
    severity=Severity.ERROR,
    what="A ratio or derived metric has a grain that a metric it is made of has not.",
    why="At that grain the part is absent, so the whole would be null there without a word.",
    bad="""
grains: [day, month]
metrics:
  - {name: sold, source: orders, type: count, grains: [day]}
  - revenue
  - {name: mean, type: ratio, numerator: revenue, denominator: sold}
""",
    good="""
grains: [day, month]
metrics:
  - {name: sold, source: orders, type: count, grains: [day]}
  - revenue
  - {name: mean, type: ratio, numerator: revenue, denominator: sold, grains: [day]}
""",
    subject=check,
)

"""A grain that is written twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dashpipe.lint.rule import Problem, Rule
from dashpipe.spec.diagnostic import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dashpipe.lint.view import View
    from dashpipe.spec.model import Subject


def check(subject: Subject, _view: View) -> Iterator[Problem]:
    """Each grain of the subject, and of each metric, stands there once."""
    lists = [(subject.grains, subject.origin)]
    lists += [(metric.grains, metric.origin) for metric in subject.metrics if metric.grains is not None]
    for grains, origin in lists:
        for index, grain in enumerate(grains):
            if grain in grains[:index]:
                yield Problem(
                    origin.at("grains", index), f"the grain {grain.value} stands here twice", "leave one out"
                )


RULE = Rule(
    code="T011",
    name="grain-twice",
    severity=Severity.ERROR,
    what="`grains` names a grain twice.",
    why="Each grain is one collection; a second mention is a slip, often for another grain.",
    bad="grains: [day, week, week]",
    good="grains: [day, week, month]",
    subject=check,
)

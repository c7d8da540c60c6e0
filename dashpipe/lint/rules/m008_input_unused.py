"""An input of a derived metric that its expression does not name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dashpipe.lint.rule import Problem, Rule
from dashpipe.spec.diagnostic import Severity
from dashpipe.spec.typing.parts import refs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dashpipe.lint.view import View
    from dashpipe.spec.model import Subject


def check(subject: Subject, _view: View) -> Iterator[Problem]:
    """Each input of a derived metric is named in its expression."""
    for metric in subject.metrics:
        if metric.type != "derived" or not metric.inputs:
            continue
        named = refs(metric)
        for one in metric.inputs:
            if named and one.alias not in named:
                yield Problem(
                    one.origin.at("as"),
                    f"the expression of `{metric.name}` does not name the input `{one.alias}`",
                    "name it in `expr`, or leave the input out",
                )


RULE = Rule(
    code="M008",
    name="input-unused",
    severity=Severity.WARNING,
    what="An input of a derived metric is not named in its expression.",
    why="Most often the expression still names the metric itself, without the input's filter.",
    bad="""
metrics:
  - revenue
  - orders
  - {name: mean, type: derived, expr: revenue / 2, inputs: [{metric: orders, as: n}]}
""",
    good="""
metrics:
  - revenue
  - orders
  - {name: mean, type: derived, expr: revenue / n, inputs: [{metric: orders, as: n}]}
""",
    subject=check,
)

"""A metric that is made of itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dashpipe.lint.rule import Problem, Rule
from dashpipe.spec.diagnostic import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dashpipe.lint.view import View
    from dashpipe.spec.model import Subject


def check(subject: Subject, view: View) -> Iterator[Problem]:
    """No composite metric refers to itself, directly or through others."""
    uses = {one.name: view.uses(one) for one in subject.metrics}
    for first, parts in uses.items():
        trail, seen = [first], {first}
        choices = [iter(parts)]
        while choices:
            use = next(choices[-1], None)
            if use is None:
                trail.pop()
                choices.pop()
            elif use.metric == first:
                chain = " → ".join([*trail, first])
                text = f"`{first}` is made of itself" + (f": {chain}" if len(trail) > 1 else "")
                yield Problem(use.at, text, "write one of the metrics over documents (count, sum, …) instead")
            elif use.metric in uses and use.metric not in seen:
                seen.add(use.metric)
                trail.append(use.metric)
                choices.append(iter(uses[use.metric]))


RULE = Rule(
    code="M001",
    name="metric-cycle",
    severity=Severity.ERROR,
    what="A ratio or derived metric is made of itself, directly or through other metrics.",
    why="Its value would need its value. Somewhere down the line each metric is one over documents.",
    bad="""
metrics:
  - revenue
  - {name: a, type: derived, expr: b + revenue}
  - {name: b, type: derived, expr: a - revenue}
""",
    good="""
metrics:
  - revenue
  - orders
  - {name: a, type: derived, expr: orders + revenue}
  - {name: b, type: derived, expr: a - revenue}
""",
    subject=check,
)

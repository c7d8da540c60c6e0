"""A derived metric without a metric."""

from __future__ import annotations

from dashpipe.lint.rule import Rule
from dashpipe.spec.diagnostic import Severity

RULE = Rule(
    code="E008",
    name="derived-of-nothing",
    severity=Severity.ERROR,
    what="The expression of a derived metric names no metric.",
    why="A derived metric is computed from the metrics of its row; without one it is the same number "
    "everywhere.",
    bad="""
metrics:
  - orders
  - {name: answer, type: derived, expr: 40 + 2}
""",
    good="""
metrics:
  - orders
  - {name: answer, type: derived, expr: orders * 2}
""",
)

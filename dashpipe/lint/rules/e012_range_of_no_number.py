"""A range check of a metric that is no number."""

from __future__ import annotations

from dashpipe.lint.rule import Rule
from dashpipe.spec.diagnostic import Severity

RULE = Rule(
    code="E012",
    name="range-of-no-number",
    severity=Severity.ERROR,
    what="A check of a range is of a metric that is text, a date or a list.",
    why="Bounds are numbers. MongoDB orders values of different types by their types, so that every text, "
    "date and list lies above every number: the check would always fail, or never.",
    bad="""
metrics:
  - orders
  - {name: best, source: orders, type: top, expr: customer_id, k: 3}
checks:
  - {id: few, type: range, metric: best, fail: {above: 3}}
""",
    good="""
metrics:
  - orders
checks:
  - {id: few, type: range, metric: orders, fail: {above: 3000}}
""",
)

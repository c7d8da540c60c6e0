"""A ratio or derived metric that is no number."""

from __future__ import annotations

from dashpipe.lint.rule import Rule
from dashpipe.spec.diagnostic import Severity

RULE = Rule(
    code="E007",
    name="part-no-number",
    severity=Severity.ERROR,
    what="A side of a ratio, a metric in a derived one, or what that comes to, is no number.",
    why="Both are arithmetic over the metrics of a row: text, dates and lists have no part in it.",
    bad="""
metrics:
  - orders
  - {name: last_ship, source: orders, type: max, expr: shipped_at}
  - {name: mean, type: ratio, numerator: last_ship, denominator: orders}
""",
    good="""
metrics:
  - orders
  - revenue
  - {name: mean, type: ratio, numerator: revenue, denominator: orders}
""",
)

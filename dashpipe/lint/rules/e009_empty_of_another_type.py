"""A value for nothing that is of another type."""

from __future__ import annotations

from dashpipe.lint.rule import Rule
from dashpipe.spec.diagnostic import Severity

RULE = Rule(
    code="E009",
    name="empty-of-another-type",
    severity=Severity.ERROR,
    what="`empty`, or the value of `fill`, is not of its metric's type.",
    why="The column would hold two types, and charts and indexes would sort it in two parts.",
    bad="""
metrics:
  - {name: sold, source: orders, type: sum, expr: total, empty: none}
""",
    good="""
metrics:
  - {name: sold, source: orders, type: sum, expr: total, empty: 0}
""",
)

"""A name that stands for two things."""

from __future__ import annotations

from dashpipe.lint.rule import Rule
from dashpipe.spec.diagnostic import Severity

RULE = Rule(
    code="N006",
    name="name-twice",
    severity=Severity.ERROR,
    what="Two sources, dimensions, metrics or inputs of one list have the same name.",
    why="Each is a column of the row, or is spoken of by its name: one would hide the other.",
    bad="""
metrics:
  - orders
  - {name: orders, source: orders, type: count, where: total > 5}
""",
    good="""
metrics:
  - orders
  - {name: large_orders, source: orders, type: count, where: total > 5}
""",
)

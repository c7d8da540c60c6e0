"""A key of another type."""

from __future__ import annotations

from dashpipe.lint.rule import Rule
from dashpipe.spec.codes import CODES

RULE = Rule(
    "S107",
    *CODES["S107"],
    what="A metric or a check has a key that belongs to another type.",
    why="What the type does not use would do nothing. Often the type is the mistake.",
    bad="""
metrics:
  - orders
  - revenue
  - {name: mean, type: ratio, numerator: revenue, denominator: orders, expr: revenue / orders}
""",
    good="""
metrics:
  - orders
  - revenue
  - {name: mean, type: ratio, numerator: revenue, denominator: orders}
""",
)

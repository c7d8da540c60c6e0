"""A key that is missing."""

from __future__ import annotations

from dashpipe.lint.rule import Rule
from dashpipe.spec.codes import CODES

RULE = Rule(
    "S102",
    *CODES["S102"],
    what="A mapping lacks a key that it needs.",
    why="There is no default that could be meant.",
    bad="""
metrics:
  - {name: sold, type: sum}
""",
    good="""
metrics:
  - {name: sold, type: sum, expr: total}
""",
)

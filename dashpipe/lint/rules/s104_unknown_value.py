"""A value that is not one of those there are."""

from __future__ import annotations

from dashpipe.lint.rule import Rule
from dashpipe.spec.codes import CODES

RULE = Rule(
    "S104",
    *CODES["S104"],
    what="A value is not one of the few that its key takes.",
    why="The finding lists them, and names the nearest.",
    bad="""
metrics:
  - {name: sold, type: average, expr: total}
""",
    good="""
metrics:
  - {name: sold, type: avg, expr: total}
""",
)

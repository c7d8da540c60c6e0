"""A number out of range."""

from __future__ import annotations

from dashpipe.lint.rule import Rule
from dashpipe.spec.codes import CODES

RULE = Rule(
    "S106",
    *CODES["S106"],
    what="A number is too small or too large for its key.",
    why="Shares lie in 0 to 1 (20 % is 0.2), versions begin with 1, days are counted in whole numbers.",
    bad="""
target:
  max_removed: 20
""",
    good="""
target:
  max_removed: 0.2
""",
)

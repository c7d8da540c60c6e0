"""What comes in a later version."""

from __future__ import annotations

from dashpipe.lint.rule import Rule
from dashpipe.spec.codes import CODES

RULE = Rule(
    "S108",
    *CODES["S108"],
    what="A key or a value is part of the language, and not of this version of dashpipe.",
    why="It is refused rather than left out, so that no number is published that means less than it says.",
    bad="""
checks:
  - {id: not-empty, type: row_count, fail: {below: 1}}
  - {id: volume, type: anomaly, metric: orders, warn: {score: 3.5}}
""",
    good="""
checks:
  - {id: not-empty, type: row_count, fail: {below: 1}}
  - {id: volume, type: range, metric: orders, warn: {below: 10}}
""",
)

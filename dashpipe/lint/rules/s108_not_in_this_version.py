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
metrics:
  - {name: bought, type: retention, entity: customer_id}
""",
    good="""
metrics:
  - {name: largest, type: max, expr: total}
""",
)

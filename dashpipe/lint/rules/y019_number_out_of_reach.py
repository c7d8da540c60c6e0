"""A number beyond reach."""

from __future__ import annotations

from dashpipe.lint.rule import Rule
from dashpipe.spec.codes import CODES

RULE = Rule(
    "Y019",
    *CODES["Y019"],
    what="A number is not finite, or is a whole number beyond 64 bits.",
    why="No row could hold it, and it would be another number where it is stored.",
    bad="""
checks:
  - {id: not-empty, type: row_count, fail: {below: 1, above: 1e999}}
""",
    good="""
checks:
  - {id: not-empty, type: row_count, fail: {below: 1, above: 1e9}}
""",
)

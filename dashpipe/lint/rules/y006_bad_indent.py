"""Lines that do not line up."""

from __future__ import annotations

from dashpipe.lint.rule import Rule
from dashpipe.spec.codes import CODES

RULE = Rule(
    "Y006",
    *CODES["Y006"],
    what="A line is indented more or less than those it belongs to.",
    why="The keys of one mapping, and the entries of one list, all begin in the same column. "
    "What belongs to a key stands deeper than it.",
    bad="""
target:
    collection: dash
  retention_days: 730
""",
    good="""
target:
  collection: dash
  retention_days: 730
""",
)

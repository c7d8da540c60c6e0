"""A key that stands twice."""

from __future__ import annotations

from dashpipe.lint.rule import Rule
from dashpipe.spec.codes import CODES

RULE = Rule(
    "Y009",
    *CODES["Y009"],
    what="A mapping has the same key twice.",
    why="Only one of the two could hold, and most readers of YAML take the last without a word.",
    bad="""
target:
  collection: dash
  collection: dash_other
""",
    good="""
target:
  collection: dash
""",
)

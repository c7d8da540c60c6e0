"""An anchor, an alias or a merge."""

from __future__ import annotations

from dashpipe.lint.rule import Rule
from dashpipe.spec.codes import CODES

RULE = Rule(
    "Y011",
    *CODES["Y011"],
    what="A value is marked with `&name`, taken with `*name`, or merged with `<<`.",
    why="A spec is read from top to bottom and means what it says. What several subjects share is a model.",
    bad="""
target:
  <<: {collection: dash}
""",
    good="""
target:
  collection: dash
""",
)

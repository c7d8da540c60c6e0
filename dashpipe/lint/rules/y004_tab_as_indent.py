"""A tab in front of a line."""

from __future__ import annotations

from dashpipe.lint.rule import Rule
from dashpipe.spec.codes import CODES

RULE = Rule(
    "Y004",
    *CODES["Y004"],
    what="A line is indented with a tab.",
    why="YAML indents with blanks only, since a tab is as wide as each editor makes it. Most "
    "editors can be set to write blanks.",
    bad="""
target:
\tcollection: dash
""",
    good="""
target:
  collection: dash
""",
)

"""A text that is not what belongs there."""

from __future__ import annotations

from dashpipe.lint.rule import Rule
from dashpipe.spec.codes import CODES

RULE = Rule(
    "S109",
    *CODES["S109"],
    what="A text does not look like what it stands for: a collection, a path, a variable, a duration.",
    why="It is checked before it reaches the database. Text is never expanded: a value from "
    "the environment is `{env: NAME, default: …}`.",
    bad="""
target:
  collection: ${SHOP_DASH}
""",
    good="""
target:
  collection: {env: SHOP_DASH, default: dash_daily}
""",
)

"""A target that the subject reads."""

from __future__ import annotations

from dashpipe.lint.rule import Rule
from dashpipe.spec.diagnostic import Severity

RULE = Rule(
    code="N011",
    name="target-is-source",
    severity=Severity.ERROR,
    what="The target's collection is one that the subject reads.",
    why="A run would count its own rows, and remove documents that are not rows. Names are compared "
    "whatever the connections: both may lead to one database.",
    bad="""
target:
  collection: orders
""",
    good="""
target:
  collection: dash_orders
""",
)

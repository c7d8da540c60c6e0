"""Two subjects that write one collection."""

from __future__ import annotations

from dashpipe.lint.rule import Rule
from dashpipe.spec.diagnostic import Severity

RULE = Rule(
    code="N014",
    name="collection-twice",
    severity=Severity.ERROR,
    what="Two subjects, versions or grains write into the same collection.",
    why="A collection has one owner: each run would remove the other's rows. The day has the target's "
    "name, other grains add theirs, and a version above 1 adds `_v2` before that.",
    bad="""
target:
  collection: dash_other
""",
    good="""
target:
  collection: dash_daily
""",
)

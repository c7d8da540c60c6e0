"""An aggregate over arrays."""

from __future__ import annotations

from dashpipe.lint.rule import Rule
from dashpipe.spec.diagnostic import Severity

RULE = Rule(
    code="E005",
    name="array-in-aggregate",
    severity=Severity.ERROR,
    what="`min`, `max`, `first`, `last`, `top` or `count_distinct` is over a field that is an array, or "
    "`unique` names one.",
    why="Aggregates are of single values; an array where one is meant is mistyped, and counts as NULL.",
    bad="""
sources:
  - {name: raw, collection: raw, time: at, fields: {tags: array}}
dimensions: []
metrics:
  - {name: most, type: max, expr: tags}
target:
  queries: []
""",
    good="""
sources:
  - {name: raw, collection: raw, time: at, fields: {tags: array}}
dimensions: []
metrics:
  - {name: most, type: max, expr: len(tags)}
target:
  queries: []
""",
)

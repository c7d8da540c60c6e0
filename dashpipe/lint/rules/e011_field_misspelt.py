"""A name that misspells a declared field."""

from __future__ import annotations

from dashpipe.lint.rule import Rule
from dashpipe.spec.diagnostic import Severity

RULE = Rule(
    code="E011",
    name="field-misspelt",
    severity=Severity.ERROR,
    what="An expression names a field that is not declared, and is nearly one that is.",
    why="A field that is not in a document is NULL, so a misspelt one gives zeros and nulls, and no error.",
    bad="""
metrics:
  - {name: sold, source: orders, type: sum, expr: totl}
""",
    good="""
metrics:
  - {name: sold, source: orders, type: sum, expr: total}
""",
)

"""A dimension that is of two types."""

from __future__ import annotations

from dashpipe.lint.rule import Rule
from dashpipe.spec.diagnostic import Severity

RULE = Rule(
    code="E006",
    name="dimension-types-differ",
    severity=Severity.ERROR,
    what="Two sources of a subject define a dimension with different types.",
    why="Rows of several sources are joined by the key: the text '5' and the number 5 never meet.",
    bad="""
sources:
  - orders
  - {name: visits, collection: visits, time: at, fields: {country: integer}, dimensions: [country]}
dimensions: [country]
""",
    good="""
sources:
  - orders
  - {name: visits, collection: visits, time: at, fields: {country: string}, dimensions: [country]}
dimensions: [country]
""",
)

"""A dimension that one of several sources lacks."""

from __future__ import annotations

from dashpipe.lint.rule import Rule
from dashpipe.spec.diagnostic import Severity

RULE = Rule(
    code="N004",
    name="dimension-not-in-source",
    severity=Severity.ERROR,
    what="One of the subject's sources does not define a dimension of the row's key.",
    why="Each source is summed up by the whole key, then the rows of all are joined by it. Without the "
    "dimension the numbers of a source belong to no row.",
    bad="""
sources:
  - orders
  - {name: visits, collection: visits, time: at, fields: {country: string}, dimensions: [country]}
dimensions: [country, region]
""",
    good="""
sources:
  - orders
  - {name: visits, collection: visits, time: at, fields: {country: string}, dimensions: [country]}
dimensions: [country]
""",
)

"""A metric of one of several sources."""

from __future__ import annotations

from dashpipe.lint.rule import Rule
from dashpipe.spec.diagnostic import Severity

RULE = Rule(
    code="N008",
    name="source-not-clear",
    severity=Severity.ERROR,
    what="A metric that the subject defines does not say its source, and the subject has several.",
    why="The documents of which source are counted decides the number.",
    bad="""
sources:
  - orders
  - name: visits
    collection: visits
    time: at
    fields: {country: string, region: string, spent: number}
    dimensions: [country, region]
    metrics:
      - {name: revenue, type: sum, expr: spent}
metrics:
  - {name: sold, type: count}
""",
    good="""
sources:
  - orders
  - name: visits
    collection: visits
    time: at
    fields: {country: string, region: string, spent: number}
    dimensions: [country, region]
    metrics:
      - {name: revenue, type: sum, expr: spent}
metrics:
  - {name: sold, source: orders, type: count}
""",
)

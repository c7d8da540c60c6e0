"""A name that two sources define."""

from __future__ import annotations

from dashpipe.lint.rule import Rule
from dashpipe.spec.diagnostic import Severity

RULE = Rule(
    code="N007",
    name="metric-of-two-sources",
    severity=Severity.ERROR,
    what="A subject takes a metric by a name that two of its sources define.",
    why="Which of the two is meant decides the number, so the spec says it.",
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
metrics: [revenue]
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
  - {metric: orders.revenue, as: revenue}
  - {metric: visits.revenue, as: visit_revenue}
""",
)

"""A dimension of a type that no key can have."""

from __future__ import annotations

from dashpipe.lint.rule import Rule
from dashpipe.spec.diagnostic import Severity

RULE = Rule(
    code="E004",
    name="dimension-type",
    severity=Severity.ERROR,
    what="A dimension of the key is a number with a fraction, a decimal or an array.",
    why="Rows are found again by their key. Two doubles that look equal may differ, and an array is "
    "many values.",
    bad="""
sources:
  - name: raw
    collection: raw
    time: at
    fields: {price: number}
    dimensions: [price]
dimensions: [price]
metrics:
  - {name: sold, type: count}
target:
  queries: []
""",
    good="""
sources:
  - name: raw
    collection: raw
    time: at
    fields: {price: number}
    dimensions:
      - {name: price_band, expr: CAST(floor(price / 10) AS INTEGER)}
dimensions: [price_band]
metrics:
  - {name: sold, type: count}
target:
  queries: []
""",
)

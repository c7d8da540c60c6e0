"""A name that is a field and another dimension."""

from __future__ import annotations

from dashpipe.lint.rule import Rule
from dashpipe.spec.diagnostic import Severity

RULE = Rule(
    code="N015",
    name="field-and-dimension",
    severity=Severity.ERROR,
    what="A declared field and a dimension have one name, and the dimension is not just that field.",
    why="In `expr` and `where` a bare name is the dimension first, so the same word would mean two values.",
    bad="""
sources:
  - name: raw
    collection: raw
    time: at
    fields: {country: string}
    dimensions:
      - {name: country, expr: upper(country)}
dimensions: [country]
metrics:
  - {name: sold, type: count}
""",
    good="""
sources:
  - name: raw
    collection: raw
    time: at
    fields: {country: string}
    dimensions:
      - {name: land, expr: upper(country)}
dimensions: [land]
metrics:
  - {name: sold, type: count}
target:
  queries: []
""",
)

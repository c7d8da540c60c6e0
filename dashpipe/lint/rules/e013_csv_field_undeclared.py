"""A value of a CSV file whose type nothing says."""

from __future__ import annotations

from dashpipe.lint.rule import Rule
from dashpipe.spec.diagnostic import Severity

RULE = Rule(
    code="E013",
    name="csv-field-undeclared",
    severity=Severity.ERROR,
    what="An expression reads a field of a CSV file that `fields` does not declare.",
    why="A CSV file holds text: `12` becomes a number only where its field is declared to be one. Undeclared "
    "it would stay text, be mistyped in every sum, and so be NULL.",
    bad="""
sources:
  - name: raw
    collection: raw
    file: {path: data/raw.csv, format: csv}
    time: at
    fields: {at: date}
dimensions: []
metrics:
  - {name: sold, type: sum, expr: pieces}
target:
  queries: []
""",
    good="""
sources:
  - name: raw
    collection: raw
    file: {path: data/raw.csv, format: csv}
    time: at
    fields: {at: date, pieces: integer}
dimensions: []
metrics:
  - {name: sold, type: sum, expr: pieces}
target:
  queries: []
""",
)

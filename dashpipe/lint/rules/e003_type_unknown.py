"""A value whose type nothing says."""

from __future__ import annotations

from dashpipe.lint.rule import Rule
from dashpipe.spec.diagnostic import Severity

RULE = Rule(
    code="E003",
    name="type-unknown",
    severity=Severity.ERROR,
    what="Nothing fixes the type of a dimension of the key, or of a value whose type decides how it is "
    "counted.",
    why="A dimension is written into the key of each row, so it has one type, and values of another are "
    "NULL and counted. Most types follow from use (`duration / 60` is a number); a bare field's "
    "does not.",
    bad="""
sources:
  - name: raw
    collection: raw
    time: at
    dimensions: [country]
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
    dimensions: [country]
dimensions: [country]
metrics:
  - {name: sold, type: count}
""",
)

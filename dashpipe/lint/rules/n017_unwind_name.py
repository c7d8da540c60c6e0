"""An element's name that is another thing's."""

from __future__ import annotations

from dashpipe.lint.rule import Rule
from dashpipe.spec.diagnostic import Severity

RULE = Rule(
    code="N017",
    name="unwind-name",
    severity=Severity.ERROR,
    what="The name of an `unwind`'s elements is the array's own, the time's or a dimension's, or its "
    "`path` is declared to be no array.",
    why="In expressions the name would mean two things, or hide the time of the document.",
    bad="""
sources:
  - name: raw
    collection: raw
    time: at
    unwind: {path: items, as: items}
    fields: {items.pieces: integer}
dimensions: []
metrics:
  - {name: pieces, type: sum, expr: items.pieces}
target:
  queries: []
""",
    good="""
sources:
  - name: raw
    collection: raw
    time: at
    unwind: {path: items, as: item}
    fields: {item.pieces: integer}
dimensions: []
metrics:
  - {name: pieces, type: sum, expr: item.pieces}
target:
  queries: []
""",
)

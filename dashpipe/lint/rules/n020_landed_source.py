"""A source that is landed, with keys of one that is read where it is."""

from __future__ import annotations

from dashpipe.lint.rule import Rule
from dashpipe.spec.diagnostic import Severity

RULE = Rule(
    code="N020",
    name="landed-source",
    severity=Severity.ERROR,
    what="A source with `file` has a `connection` too.",
    why="What is landed is kept in the target's database, beside the state of the runs that land it: there "
    "is no other database to connect to.",
    bad="""
sources:
  - name: raw
    collection: raw
    file: {path: data/raw.csv, format: csv}
    connection: source
    time: at
    fields: {at: date}
dimensions: []
metrics:
  - {name: sold, type: count}
target:
  queries: []
""",
    good="""
sources:
  - name: raw
    collection: raw
    file: {path: data/raw.csv, format: csv}
    time: at
    fields: {at: date}
dimensions: []
metrics:
  - {name: sold, type: count}
target:
  queries: []
""",
)

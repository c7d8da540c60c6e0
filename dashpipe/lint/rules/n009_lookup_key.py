"""A lookup by what is no dimension of the key."""

from __future__ import annotations

from dashpipe.lint.rule import Rule
from dashpipe.spec.diagnostic import Severity

RULE = Rule(
    code="N009",
    name="lookup-key",
    severity=Severity.ERROR,
    what="The `key` of a lookup leads to no dimension of the row's key.",
    why="A lookup adds a value to a row by one of its dimensions, after the documents are grouped, or by "
    "what another lookup found: it can go by nothing else.",
    bad="""
dimensions:
  - country
  - name: continent
    lookup: {collection: countries, key: city, foreign: _id, field: continent}
""",
    good="""
dimensions:
  - country
  - name: continent
    lookup: {collection: countries, key: country, foreign: _id, field: continent}
""",
)

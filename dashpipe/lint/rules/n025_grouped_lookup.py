"""A metric that cannot be merged by what is looked up."""

from __future__ import annotations

from dashpipe.lint.rule import Rule
from dashpipe.spec.diagnostic import Severity

RULE = Rule(
    code="N025",
    name="grouped-lookup",
    severity=Severity.ERROR,
    what="A metric cannot be merged by a looked-up value that rows are grouped by.",
    why="Where the `key` of a lookup is no dimension of the row, documents are grouped by that key, which is "
    "looked up, and the groups are merged by what was found; of distinct counts and medians the values are "
    "kept until then. Who came back to one country is not to be had of two: a customer who is new to both "
    "is new once to their continent.",
    bad="""
dimensions:
  - name: continent
    lookup: {collection: countries, key: country, foreign: _id, field: continent}
grains: [day, week]
metrics:
  - {name: kept, type: retention, source: orders, entity: customer_id, period: week, periods: 4}
target:
  queries: []
""",
    good="""
dimensions:
  - name: continent
    lookup: {collection: countries, key: country, foreign: _id, field: continent}
metrics:
  - {name: buyers, type: count_distinct, source: orders, expr: customer_id}
target:
  queries: []
""",
)

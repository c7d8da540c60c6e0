"""A query over a column that the rows do not have."""

from __future__ import annotations

from dashpipe.lint.rule import Rule
from dashpipe.spec.diagnostic import Severity

RULE = Rule(
    code="N010",
    name="unknown-column",
    severity=Severity.ERROR,
    what="`target.queries` names what is no column of the rows.",
    why="Indexes follow from these queries: dimensions, metrics and `partition_date`.",
    bad="""
target:
  queries:
    - {equal: [contry], range: partition_date}
""",
    good="""
target:
  queries:
    - {equal: [country], range: partition_date}
""",
)

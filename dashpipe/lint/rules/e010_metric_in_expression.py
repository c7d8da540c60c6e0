"""A metric in an expression over documents."""

from __future__ import annotations

from dashpipe.lint.rule import Rule
from dashpipe.spec.diagnostic import Severity

RULE = Rule(
    code="E010",
    name="metric-in-expression",
    severity=Severity.ERROR,
    what="The `expr` or `where` of a metric over documents names another metric.",
    why="Such an expression is of one document: the name would be read as a field that the documents do "
    "not have, and the metric would be null without a word.",
    bad="""
metrics:
  - revenue
  - {name: twice, source: orders, type: sum, expr: revenue * 2}
""",
    good="""
metrics:
  - revenue
  - {name: twice, type: derived, expr: revenue * 2}
""",
)

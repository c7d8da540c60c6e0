"""A source that the subject does not have."""

from __future__ import annotations

from dashpipe.lint.rule import Rule
from dashpipe.spec.diagnostic import Severity

RULE = Rule(
    code="N005",
    name="unknown-source",
    severity=Severity.ERROR,
    what="A metric names a source that is not among the subject's `sources`.",
    why="A metric counts the documents of one source of its subject.",
    bad="""
metrics:
  - {name: sold, source: order, type: count}
""",
    good="""
metrics:
  - {name: sold, source: orders, type: count}
""",
)

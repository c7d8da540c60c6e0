"""An expression that cannot be read."""

from __future__ import annotations

from dashpipe.lint.rule import Rule
from dashpipe.spec.diagnostic import Severity

RULE = Rule(
    code="E001",
    name="bad-expression",
    severity=Severity.ERROR,
    what="An `expr` or `where` is not of the expression language, a subset of SQL.",
    why="Expressions are read by dashpipe itself, so that each is checked before anything runs and "
    "means the same on every server.",
    bad="""
metrics:
  - {name: sold, source: orders, type: count, where: total == 5}
""",
    good="""
metrics:
  - {name: sold, source: orders, type: count, where: total = 5}
""",
)

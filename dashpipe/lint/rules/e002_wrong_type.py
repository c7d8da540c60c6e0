"""An expression whose types do not go together."""

from __future__ import annotations

from dashpipe.lint.rule import Rule
from dashpipe.spec.diagnostic import Severity

RULE = Rule(
    code="E002",
    name="wrong-type",
    severity=Severity.ERROR,
    what="A value meets one of another type, or is not of the type that its place needs.",
    why="To MongoDB the text '5' and the number 5 are simply different, so a comparison of the two is "
    "never true and no one is told. Each field has one type, declared under `fields` or known from "
    "its use.",
    bad="""
metrics:
  - {name: sold, source: orders, type: count, where: country = 5}
""",
    good="""
metrics:
  - {name: sold, source: orders, type: count, where: country = 'DE'}
""",
)

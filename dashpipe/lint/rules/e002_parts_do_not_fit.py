"""An expression whose parts do not fit."""

from __future__ import annotations

from dashpipe.lint.rule import Rule
from dashpipe.spec.diagnostic import Severity

RULE = Rule(
    code="E002",
    name="parts-do-not-fit",
    severity=Severity.ERROR,
    what="A part of an expression does not fit: a value of another type than its place needs, a function "
    "that there is not, too few arguments.",
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

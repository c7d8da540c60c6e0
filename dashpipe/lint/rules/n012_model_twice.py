"""Two models with one name."""

from __future__ import annotations

from dashpipe.lint.rule import Rule
from dashpipe.spec.diagnostic import Severity

RULE = Rule(
    code="N012",
    name="model-twice",
    severity=Severity.ERROR,
    what="Two files define a model of the same name.",
    why="Subjects take a model by its name; which of the two would be left to chance.",
    bad="""
# file: metrics/shop/models/again.yml
dashpipe: 1
model: orders
collection: old_orders
time: paid_at
""",
    good="""
# file: metrics/shop/models/again.yml
dashpipe: 1
model: old_orders
collection: old_orders
time: paid_at
""",
)

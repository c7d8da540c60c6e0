"""A metric that is not there."""

from __future__ import annotations

from dashpipe.lint.rule import Rule
from dashpipe.spec.diagnostic import Severity

RULE = Rule(
    code="N002",
    name="unknown-metric",
    severity=Severity.ERROR,
    what="A name stands for no metric: no source of the subject defines it, and neither does the subject.",
    why="A metric is taken from a source by its name, or defined in the subject. A ratio or derived "
    "metric is made of metrics, not of the fields of documents.",
    bad="metrics: [orders, revenu]",
    good="metrics: [orders, revenue]",
)

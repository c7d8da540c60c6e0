"""A source that is no model."""

from __future__ import annotations

from dashpipe.lint.rule import Rule
from dashpipe.spec.diagnostic import Severity

RULE = Rule(
    code="N001",
    name="unknown-model",
    severity=Severity.ERROR,
    what="A subject names a model that is not in the project.",
    why="A source is a model by its name, or defined in the subject with its collection. Models are "
    "files with `model: NAME`.",
    bad="sources: [orders, order]",
    good="sources: [orders]",
)

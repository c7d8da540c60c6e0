"""A check of dashpipe that broke."""

from __future__ import annotations

from dashpipe.lint.rule import Rule
from dashpipe.spec.diagnostic import Severity

RULE = Rule(
    code="L005",
    name="lint-broke",
    severity=Severity.ERROR,
    what="A check of dashpipe failed on a spec: a mistake in dashpipe itself, not in the spec.",
    why="The other findings hold, but this check said nothing about the spec. Lint ends with exit code 2.",
    bad="",
    good="",
)

"""A comment that ignores nothing."""

from __future__ import annotations

from dashpipe.lint.rule import Rule
from dashpipe.spec.diagnostic import Severity

RULE = Rule(
    code="L001",
    name="ignores-nothing",
    severity=Severity.WARNING,
    what="A comment `# dashpipe: ignore[CODE]` stands where there is no such finding.",
    why="What it was written for is mended, or has moved: left there, it would hide the next mistake.",
    bad="grains: [day, month]  # dashpipe: ignore[C001] one read a day is fine",
    good="grains: [day, month]",
)

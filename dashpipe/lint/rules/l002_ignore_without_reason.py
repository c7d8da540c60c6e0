"""A comment that ignores without a reason."""

from __future__ import annotations

from dashpipe.lint.rule import Rule
from dashpipe.spec.diagnostic import Severity

RULE = Rule(
    code="L002",
    name="ignore-without-reason",
    severity=Severity.WARNING,
    what="A comment `# dashpipe: ignore[CODE]` does not say why.",
    why="The next reader must know whether it still holds.",
    bad="lookback_days: {dense: 7, sparse: [7, 30]}  # dashpipe: ignore[T008]",
    good="lookback_days: {dense: 7, sparse: [7, 30]}  # dashpipe: ignore[T008] the sevens move together",
)

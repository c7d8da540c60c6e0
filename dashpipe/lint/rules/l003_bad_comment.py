"""A comment to dashpipe that it does not understand."""

from __future__ import annotations

from dashpipe.lint.rule import Rule
from dashpipe.spec.diagnostic import Severity

RULE = Rule(
    code="L003",
    name="bad-comment",
    severity=Severity.WARNING,
    what="A comment begins with `# dashpipe:`, and is not understood, names a code that there is not, or "
    "would ignore an error.",
    why="It looks as if something were ignored. Errors cannot be: such a spec does not run.",
    bad="grains: [day, month]  # dashpipe: ignore[C999] it is fine",
    good="grains: [day, month]  # it is fine",
)

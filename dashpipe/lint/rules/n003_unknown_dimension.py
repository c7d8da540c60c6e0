"""A dimension that no source defines."""

from __future__ import annotations

from dashpipe.lint.rule import Rule
from dashpipe.spec.diagnostic import Severity

RULE = Rule(
    code="N003",
    name="unknown-dimension",
    severity=Severity.ERROR,
    what="A subject lists a dimension that none of its sources defines.",
    why="A dimension is a value of each document, so each source says what it is there. A field is no "
    "dimension until a source lists it as one.",
    bad="dimensions: [country, city]",
    good="dimensions: [country, region]",
)

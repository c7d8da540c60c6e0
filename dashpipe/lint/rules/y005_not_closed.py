"""Quotes or brackets that do not close."""

from __future__ import annotations

from dashpipe.lint.rule import Rule
from dashpipe.spec.codes import CODES

RULE = Rule(
    "Y005",
    *CODES["Y005"],
    what="A quote, a bracket or a brace is opened and not closed, or a comma is missing between brackets.",
    why="The rest of the file would belong to that value. The finding points at what is open,"
    " not at where reading failed.",
    bad="dimensions: [country, region",
    good="dimensions: [country, region]",
)

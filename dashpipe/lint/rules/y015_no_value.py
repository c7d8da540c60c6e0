"""A key without a value."""

from __future__ import annotations

from dashpipe.lint.rule import Rule
from dashpipe.spec.codes import CODES

RULE = Rule(
    "Y015",
    *CODES["Y015"],
    what="A key, or the entry of a list, has no value.",
    why="Nothing could be meant as null, as an empty text or as something forgotten. Null is "
    'written `null`, an empty text `""`.',
    bad="description:",
    good="description: One row per country, region and local day.",
)

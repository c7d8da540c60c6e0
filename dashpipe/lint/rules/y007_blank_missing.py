"""A missing blank."""

from __future__ import annotations

from dashpipe.lint.rule import Rule
from dashpipe.spec.codes import CODES

RULE = Rule(
    "Y007",
    *CODES["Y007"],
    what="The blank after a colon or a dash is missing.",
    why="`owner:me` is one word to YAML, and so is `-orders`. Only with the blank is it a key"
    " with its value, or the entry of a list.",
    bad="owner:me",
    good="owner: me",
)

"""A colon in text without quotes."""

from __future__ import annotations

from dashpipe.lint.rule import Rule
from dashpipe.spec.codes import CODES

RULE = Rule(
    "Y003",
    *CODES["Y003"],
    what="A text without quotes holds a colon that a blank follows.",
    why="To YAML, a colon and a blank begin the value of a key, so the text would be a key and a value.",
    bad="description: Orders: one row per day",
    good='description: "Orders: one row per day"',
)

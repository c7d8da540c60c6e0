"""A key that does not exist."""

from __future__ import annotations

from dashpipe.lint.rule import Rule
from dashpipe.spec.codes import CODES

RULE = Rule(
    "S101",
    *CODES["S101"],
    what="A mapping has a key that it does not know.",
    why="A key that is not read does nothing, and nobody would notice. Where a key is "
    "misspelt, belongs elsewhere or is another tool's word, the finding names the one "
    "that is meant.",
    bad='cron: "15 3 * * *"',
    good='schedule: "15 3 * * *"',
)

"""A value that needs quotes."""

from __future__ import annotations

from dashpipe.lint.rule import Rule
from dashpipe.spec.codes import CODES

RULE = Rule(
    "Y002",
    *CODES["Y002"],
    what="A value begins with a character, or holds one, that means something to YAML.",
    why="A value cannot begin with @ ` % * & ! | > without quotes, and within braces a comma "
    "ends it. So cron, presets such as @daily, and function calls within braces stand in "
    "quotes.",
    bad="schedule: */15 * * * *",
    good='schedule: "*/15 * * * *"',
)

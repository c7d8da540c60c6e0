"""An escape that does not exist."""

from __future__ import annotations

from dashpipe.lint.rule import Rule
from dashpipe.spec.codes import CODES

RULE = Rule(
    "Y008",
    *CODES["Y008"],
    what="A text in double quotes holds a backslash before a character that has no such form.",
    why="In double quotes a backslash begins an escape, such as \\n for a line end. In single "
    "quotes it is a plain character.",
    bad='description: "one row \\d"',
    good="description: 'one row \\d'",
)

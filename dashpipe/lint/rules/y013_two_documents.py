"""Two documents in one file."""

from __future__ import annotations

from dashpipe.lint.rule import Rule
from dashpipe.spec.codes import CODES

RULE = Rule(
    "Y013",
    *CODES["Y013"],
    what="A file holds a second document after `---`.",
    why="One file is one model or one subject, so that it is found by its name and changed on its own.",
    bad="""
owner: me
---
owner: you
""",
    good="owner: me",
)

"""A value that is a comment."""

from __future__ import annotations

from dashpipe.lint.rule import Rule
from dashpipe.spec.codes import CODES

RULE = Rule(
    "Y014",
    *CODES["Y014"],
    what="A value begins with `#`, which begins a comment, so the key has none.",
    why="After a blank, `#` and the rest of the line are not read.",
    bad="description: # of orders a day",
    good='description: "# of orders a day"',
)

"""A tag or a directive."""

from __future__ import annotations

from dashpipe.lint.rule import Rule
from dashpipe.spec.codes import CODES

RULE = Rule(
    "Y010",
    *CODES["Y010"],
    what="A value begins with `!`, or the file with a `%` directive.",
    why="Tags tell YAML to make something other than text, numbers and lists. A spec needs "
    "none, and they are a way to run code in other tools.",
    bad="owner: !team shop",
    good='owner: "!team shop"',
)

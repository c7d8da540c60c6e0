"""A file that is too big."""

from __future__ import annotations

from dashpipe.lint.rule import Rule
from dashpipe.spec.codes import CODES

RULE = Rule(
    "Y018",
    *CODES["Y018"],
    what="A file is too large, holds too many values, or nests them too deep.",
    why="A spec has a few hundred values, six levels deep. The limits keep a broken or "
    "hostile file from taking the lint's time: 1,000,000 bytes, 20,000 values, 32 levels.",
    bad="tags: " + "[" * 40 + "]" * 40,
    good="tags: [shop]",
)

"""A value of another kind."""

from __future__ import annotations

from dashpipe.lint.rule import Rule
from dashpipe.spec.codes import CODES

RULE = Rule(
    "S103",
    *CODES["S103"],
    what="A value is text where a number belongs, one value where a list belongs, or the like.",
    why="What is written is kept as it is and never converted, so that `007` is no 7 and `yes` no true.",
    bad="grains: day",
    good="grains: [day, month]",
)

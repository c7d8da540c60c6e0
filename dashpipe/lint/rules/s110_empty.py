"""A list without entries."""

from __future__ import annotations

from dashpipe.lint.rule import Rule
from dashpipe.spec.codes import CODES

RULE = Rule(
    "S110",
    *CODES["S110"],
    what="A list that needs an entry has none.",
    why="A subject without a grain or a metric has no rows.",
    bad="grains: []",
    good="grains: [day, month]",
)

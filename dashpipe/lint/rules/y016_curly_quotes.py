"""Curly quotes."""

from __future__ import annotations

from dashpipe.lint.rule import Rule
from dashpipe.spec.codes import CODES

RULE = Rule(
    "Y016",
    *CODES["Y016"],
    what="A text stands in curly quotes, as word processors write them.",
    why="Only straight quotes quote; curly ones would be part of the text.",
    bad="description: “One row per day”",
    good='description: "One row per day"',
)

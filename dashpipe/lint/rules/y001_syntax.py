"""A text that is no YAML."""

from __future__ import annotations

from dashpipe.lint.rule import Rule
from dashpipe.spec.codes import CODES

RULE = Rule(
    "Y001",
    *CODES["Y001"],
    what="A file cannot be read as YAML (or `dashpipe.toml` as TOML).",
    why="A line is `key: value`, `key:` with deeper lines below it, or `- ` before the entry "
    "of a list. What the finding points at is none of these.",
    bad="tags: - shop",
    good="""
tags:
  - shop
""",
)

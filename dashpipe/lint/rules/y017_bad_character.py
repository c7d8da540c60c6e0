"""A character that no spec may hold."""

from __future__ import annotations

from dashpipe.lint.rule import Rule
from dashpipe.spec.codes import CODES

RULE = Rule(
    "Y017",
    *CODES["Y017"],
    what="A file holds a control character, an invisible character, or is not UTF-8.",
    why="Nobody sees such characters, and a name with one is another name. They come with "
    "text from web pages and chats.",
    bad='description: "one row\u200b a day"',
    good="description: one row a day",
)

"""A file that is neither subject nor model."""

from __future__ import annotations

from dashpipe.lint.rule import Rule
from dashpipe.spec.codes import CODES

RULE = Rule(
    "S111",
    *CODES["S111"],
    what="A file has neither `subject` nor `model`, has both, or is no mapping at all.",
    why="Every YAML file below the folder of specs is read. One that is none belongs elsewhere.",
    bad="""
# file: metrics/shop/notes.yml
dashpipe: 1
owner: shop-team
""",
    good="""
# file: metrics/shop/notes.yml
dashpipe: 1
model: notes
collection: notes
time: written_at
""",
)

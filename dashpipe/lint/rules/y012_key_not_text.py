"""A key that is no text."""

from __future__ import annotations

from dashpipe.lint.rule import Rule
from dashpipe.spec.codes import CODES

RULE = Rule(
    "Y012",
    *CODES["Y012"],
    what="A key is a number, true, null, a list or a mapping.",
    why="Keys are words. A field whose name is a number stands in quotes.",
    bad="""
sources:
  - name: raw
    collection: raw
    time: at
    fields: {7: number, country: string, region: string}
    dimensions: [country, region]
metrics:
  - {name: sold, type: count}
""",
    good="""
sources:
  - name: raw
    collection: raw
    time: at
    fields: {"7": number, country: string, region: string}
    dimensions: [country, region]
metrics:
  - {name: sold, type: count}
""",
)

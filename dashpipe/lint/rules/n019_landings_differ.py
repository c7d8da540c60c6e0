"""Two sources that land different things in one collection."""

from __future__ import annotations

from dashpipe.lint.rule import Rule
from dashpipe.spec.diagnostic import Severity

RULE = Rule(
    code="N019",
    name="landings-differ",
    severity=Severity.ERROR,
    what="Two sources are landed in one collection from other files, or with other types.",
    why="A landed collection holds what its files hold, and nothing else: each of the two would remove or "
    "change what the other landed.",
    bad="""
# file: metrics/shop/models/one.yml
dashpipe: 1
model: one
description: A row.
collection: raw_rows
file: {path: data/one.jsonl, format: jsonl}
time: at
fields: {at: date}
# file: metrics/shop/models/two.yml
dashpipe: 1
model: two
description: A row.
collection: raw_rows
file: {path: data/two.jsonl, format: jsonl}
time: at
fields: {at: date}
""",
    good="""
# file: metrics/shop/models/one.yml
dashpipe: 1
model: one
description: A row.
collection: raw_one
file: {path: data/one.jsonl, format: jsonl}
time: at
fields: {at: date}
# file: metrics/shop/models/two.yml
dashpipe: 1
model: two
description: A row.
collection: raw_two
file: {path: data/two.jsonl, format: jsonl}
time: at
fields: {at: date}
""",
)

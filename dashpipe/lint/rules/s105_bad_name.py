"""A name that cannot be one."""

from __future__ import annotations

from dashpipe.lint.rule import Rule
from dashpipe.spec.codes import CODES

RULE = Rule(
    "S105",
    *CODES["S105"],
    what="A name has other characters than small letters, digits and _, is too long, or is reserved.",
    why="Names become columns, collections and DAG ids, and stand in expressions without "
    "quotes. Reserved are the columns of every row (partition_date, grain, complete, …), "
    "what begins with _, and words of SQL.",
    bad="""
metrics:
  - {name: items-sold, type: count}
""",
    good="""
metrics:
  - {name: items_sold, type: count}
""",
)

"""A share whose whole is not of dimensions of the row's key, or is the row itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dashpipe.lint.rule import Problem, Rule
from dashpipe.spec.diagnostic import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dashpipe.lint.view import View
    from dashpipe.spec.model import Subject


def check(subject: Subject, view: View) -> Iterator[Problem]:
    """`of` names some dimensions of the key, and not all."""
    key = [one.name for one in subject.row_key]
    every = {one.name for one in subject.dimensions}
    for metric in subject.metrics:
        if metric.type != "share":
            continue
        wrong = False
        for at, name in enumerate(metric.of):
            if name in key:
                continue
            wrong = True
            near = view.nearest(name, key)
            known = f"the key has: {', '.join(key)}" if key else "this subject has no dimensions"
            cure = f"did you mean {near}?" if near is not None else known
            looked = f"`{name}` is looked up, and no part of the key"
            text = looked if name in every else f"there is no dimension `{name}`"
            yield Problem(metric.origin.at("of", at), text, cure)
        if not wrong and set(metric.of) == set(key):
            yield Problem(
                metric.origin.at("of"),
                f"these are all dimensions of the row: `{metric.name}` is always 1",
                "leave out those over which the whole is summed; `of: []` is the share of all rows",
            )


RULE = Rule(
    code="M019",
    name="share-of-dimension",
    severity=Severity.ERROR,
    what="The `of` of a share names what is no dimension of the key, or all of them.",
    why="The whole is the value of all rows that agree on `of`; one row agrees on all dimensions.",
    bad="""
metrics:
  - orders
  - {name: orders_share, type: share, metric: orders, of: [country, region]}
""",
    good="""
metrics:
  - orders
  - {name: orders_share, type: share, metric: orders, of: []}
""",
    subject=check,
)

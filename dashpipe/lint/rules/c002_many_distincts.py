"""Many distinct counts in one subject."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dashpipe.lint.rule import Problem, Rule
from dashpipe.spec.diagnostic import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dashpipe.lint.view import View
    from dashpipe.spec.model import Subject


#: Each distinct count is one more grouping of the window's documents, by key and value.
MOST = 8


def check(subject: Subject, _view: View) -> Iterator[Problem]:
    """A subject has no more than ``MOST`` different distinct counts."""
    found = [one for one in subject.metrics if one.type == "count_distinct"]
    scans = {(one.source, one.expr, one.where) for one in found}
    if len(scans) > MOST:
        yield Problem(
            found[-1].origin.at("type"),
            f"this subject has {len(scans)} distinct counts: each groups the documents once more",
            f"keep to {MOST}, or move some to a subject of their own that runs less often",
        )


RULE = Rule(
    code="C002",
    name="many-distincts",
    severity=Severity.WARNING,
    what=f"A subject has more than {MOST} different distinct counts.",
    why="All other metrics of a source share one pass over its documents. An exact distinct count needs a "
    "grouping of its "
    "own, by key and value, whose result may be as large as the data.",
    bad="metrics:\n"
    + "".join(
        f"  - {{name: d{n}, source: orders, type: count_distinct, expr: customer_id, where: total > {n}}}\n"
        for n in range(MOST + 1)
    ),
    good="metrics:\n"
    + "".join(
        f"  - {{name: d{n}, source: orders, type: count_distinct, expr: customer_id, where: total > {n}}}\n"
        for n in range(3)
    ),
    subject=check,
)

"""Many distinct counts, percentiles and lists in one subject."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dashpipe.lint.rule import Problem, Rule
from dashpipe.spec.diagnostic import Severity
from dashpipe.spec.typing.types import by_value

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dashpipe.lint.view import View
    from dashpipe.spec.model import Subject


#: Each of these is one more grouping of the window's documents, by key and value.
MOST = 8


def check(subject: Subject, _view: View) -> Iterator[Problem]:
    """A subject has no more than ``MOST`` groupings by a value."""
    found = [
        one
        for one in subject.metrics
        if by_value(one) is not None and not one.approximate and one.cardinality_at_most is None
    ]
    # Distinct counts and percentiles of one value share a grouping.
    scans = {(one.source, one.expr, one.where, one.k, one.by, one.having, one.per) for one in found}
    if len(scans) > MOST:
        yield Problem(
            found[-1].origin.at("type"),
            f"this subject groups its documents {len(scans)} times by a value: each distinct count, "
            f"percentile or list of another value does",
            f"keep to {MOST}, bound small counts with `cardinality_at_most`, or move some to a subject of "
            f"their own that runs less often",
        )


RULE = Rule(
    code="C002",
    name="many-distincts",
    severity=Severity.WARNING,
    what=f"A subject has more than {MOST} different distinct counts, percentiles and lists.",
    why="All other metrics of a source share one pass over its documents. An exact distinct count, a "
    "percentile or a list needs a grouping of its own, by key and value, whose result may be as large as the "
    "data.",
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

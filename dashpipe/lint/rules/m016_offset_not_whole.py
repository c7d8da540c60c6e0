"""An offset that moves no partition of a grain onto a partition."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dashpipe.lint.rule import Problem, Rule
from dashpipe.spec.diagnostic import Severity
from dashpipe.spec.model import Grain
from dashpipe.spec.moves import fits, fitting

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dashpipe.lint.view import View
    from dashpipe.spec.model import Subject


def check(subject: Subject, _view: View) -> Iterator[Problem]:
    """Each offset of a metric moves the partitions of all of its grains onto partitions."""
    for metric in subject.metrics:
        for one in metric.inputs:
            if one.offset is None:
                continue
            unit = Grain(one.offset.unit)
            wanted = [grain for grain in metric.grains or subject.grains if grain in subject.grains]
            wrong = [grain.value for grain in wanted if not fits(grain, -one.offset.n, unit)]
            if not wrong:
                continue
            good = [grain.value for grain in fitting(-one.offset.n, unit, wanted)]
            cure = f"write `grains: [{', '.join(good)}]` at `{metric.name}`" if good else _other(wrong[0])
            yield Problem(
                one.origin.at("offset"),
                f"{one.offset} before is no whole {wrong[0]}, and `{metric.name}` is of grain {wrong[0]}",
                cure,
            )


def _other(grain: str) -> str:
    if grain == "hour":
        return "no offset is possible at grain hour: give the subject the grain day for it"
    return f"write the offset in {grain}s" + (", or 1 year for the same week" if grain == "week" else "")


RULE = Rule(
    code="M016",
    name="offset-not-whole",
    severity=Severity.ERROR,
    what="An `offset` moves a partition of one of the metric's grains onto no partition.",
    why="""
A month one week before is made of the pieces of two months: its value would be of neither. Days move by
anything, weeks by weeks or onto the same week of another year, months by months, quarters and years.""",
    bad="""
grains: [day, month]
metrics:
  - orders
  - name: orders_wow
    type: derived
    expr: orders / before - 1
    inputs: [{metric: orders, as: before, offset: 1 week}]
""",
    good="""
grains: [day, month]
metrics:
  - orders
  - name: orders_wow
    type: derived
    expr: orders / before - 1
    inputs: [{metric: orders, as: before, offset: 1 week}]
    grains: [day]
""",
    subject=check,
)

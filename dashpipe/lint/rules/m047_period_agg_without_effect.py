"""A `period_agg` where every partition is a day or an hour."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dashpipe.lint.rule import Problem, Rule
from dashpipe.spec.diagnostic import Severity
from dashpipe.spec.model import Grain

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dashpipe.lint.view import View
    from dashpipe.spec.model import Subject

_WITHOUT_DAYS = (Grain.HOUR, Grain.DAY)


def check(subject: Subject, _view: View) -> Iterator[Problem]:
    """What says how days make a period has a period of several days to make."""
    for metric in subject.metrics:
        if metric.period_agg is None:
            continue
        grains = [one for one in metric.grains or subject.grains if one in subject.grains]
        if not grains or any(one not in _WITHOUT_DAYS for one in grains):
            continue
        there = ", ".join(one.value for one in grains)
        longer = [one.value for one in subject.grains if one not in _WITHOUT_DAYS]
        if longer:
            cure = f"add {' or '.join(longer)} to the `grains` of `{metric.name}`, or take `period_agg` out"
        else:
            cure = "add a grain such as month to `grains`, or take `period_agg` out"
        text = f"`{metric.name}` is there at grain {there} alone, where `period_agg` has no effect"
        yield Problem(metric.origin.at("period_agg"), text, cure, on_key=True)


RULE = Rule(
    code="M047",
    name="period-agg-without-effect",
    severity=Severity.WARNING,
    what="A cumulative metric has `period_agg`, and no grain above day.",
    why="""
`period_agg` says what a week or a longer period makes of its days. A row of a day or an hour has the value as
of its own end, whatever is written: an average of days that a reader expects is not there.""",
    bad="""
grains: [day]
metrics:
  - orders
  - {name: mean_orders, type: cumulative, metric: orders, period_agg: average}
""",
    good="""
grains: [day, month]
metrics:
  - orders
  - {name: mean_orders, type: cumulative, metric: orders, period_agg: average}
""",
    subject=check,
)

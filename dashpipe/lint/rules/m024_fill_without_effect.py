"""A fill that adds no rows, or only sometimes."""

from __future__ import annotations

from datetime import date
from itertools import pairwise
from typing import TYPE_CHECKING

from dashpipe.lint.rule import Problem, Rule
from dashpipe.spec.diagnostic import Severity
from dashpipe.spec.model import FISCAL, Fill, Grain
from dashpipe.spec.moves import fits

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dashpipe.lint.view import View
    from dashpipe.spec.model import Fiscal, Metric, Subject

#: The fewest and the most days of a period.
_DAYS = {
    "day": (1, 1),
    "week": (7, 7),
    "month": (28, 31),
    "quarter": (90, 92),
    "year": (365, 366),
}


def check(subject: Subject, _view: View) -> Iterator[Problem]:
    """A fill adds rows at each grain of its metric, or plainly at none of those that are too long for it."""
    for metric in subject.metrics:
        if metric.fill is None or metric.fill.period.unit == "hour":  # hours are a mistake of shape
            continue
        at = metric.origin.at("fill")
        if metric.hidden:
            text = f"`{metric.name}` is hidden, and only metrics of the row are filled"
            yield Problem(at, text, "take `fill` out, or `hidden`", on_key=True)
        elif not subject.key:
            text = "without dimensions there is a row in each partition anyway, so nothing is filled"
            yield Problem(at, text, "write `empty` for the value where nothing matched", on_key=True)
        else:
            yield from _grains(subject, metric, metric.fill)


def _grains(subject: Subject, metric: Metric, fill: Fill) -> Iterator[Problem]:
    for grain in metric.grains or subject.grains:
        if grain is Grain.HOUR:
            yield Problem(
                metric.origin.at("fill"),
                "hours are not filled: a key would have up to 24 rows more a day",
                "give the metric `grains` without hour, or take `fill` out",
                on_key=True,
            )
        elif grain in subject.grains and _sometimes(grain, fill, subject.fiscal):
            yield Problem(
                metric.origin.at("fill", "for"),
                f"{fill.period} hold a whole {grain.value} only sometimes: a longer one fills nothing",
                f"write 1 {grain.value} or longer",
            )


def _sometimes(grain: Grain, fill: Fill, fiscal: Fiscal | None) -> bool:
    """Whether the partition before one begins within the time of a fill only where it is a short one."""
    unit, n = Grain(fill.period.unit), fill.period.n
    if fits(grain, n, unit) and (unit in FISCAL) == (grain in FISCAL):
        return False
    least, most = _length(grain, fiscal)
    shortest, longest = _length(unit, fiscal)
    return n * longest >= least and n * shortest < most


def _length(grain: Grain, fiscal: Fiscal | None) -> tuple[int, int]:
    """The fewest and the most days of a period."""
    if grain in FISCAL and fiscal is not None and fiscal.days:
        firsts = [date.fromisoformat(one) for one in fiscal.days[:: FISCAL[grain]]]
        lengths = [(after - first).days for first, after in pairwise(firsts)]
        return min(lengths), max(lengths)
    return _DAYS[grain.value.removeprefix("fiscal_")]


RULE = Rule(
    code="M024",
    name="fill-without-effect",
    severity=Severity.WARNING,
    what="A metric's `fill` adds no rows, or adds them only after short periods.",
    why="A partition is filled from partitions of its grain that begin within `for` before it. 30 days "
    "before April hold no beginning of a month: March has 31.",
    bad="""
grains: [day, month]
metrics:
  - {name: orders, type: count, source: orders, fill: {value: 0, for: 30 days}}
""",
    good="""
grains: [day, month]
metrics:
  - {name: orders, type: count, source: orders, fill: {value: 0, for: 1 month}}
""",
    subject=check,
)

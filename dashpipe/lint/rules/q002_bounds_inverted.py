"""Bounds that no value can keep."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dashpipe.lint.rule import Problem, Rule
from dashpipe.spec.diagnostic import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dashpipe.lint.view import View
    from dashpipe.spec.model import Subject


def check(subject: Subject, _view: View) -> Iterator[Problem]:
    """The lower limit is not above the upper one."""
    for one in subject.checks:
        for level, bounds in (("warn", one.warn), ("fail", one.fail)):
            if bounds is None or bounds.below is None or bounds.above is None:
                continue
            if bounds.below > bounds.above:
                at = one.origin.at(level)
                yield Problem(
                    at.at("below"),
                    f"every value is below {bounds.below:g} or above {bounds.above:g}: this check never "
                    f"passes",
                    f"write `{{below: {bounds.above:g}, above: {bounds.below:g}}}`: values between the two "
                    f"are good",
                    related=((at.at("above"), "the upper limit"),),
                )


RULE = Rule(
    code="Q002",
    name="bounds-inverted",
    severity=Severity.ERROR,
    what="A check's `below` is greater than its `above`.",
    why="`below` is the lowest good value and `above` the highest: `{below: 0, above: 1}` lets 0 to 1 pass.",
    bad="checks:\n  - {id: share, type: range, metric: basket, fail: {below: 1, above: 0}}",
    good="checks:\n  - {id: share, type: range, metric: basket, fail: {below: 0, above: 1}}",
    subject=check,
)

"""A share that is no share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dashpipe.lint.rule import Problem, Rule
from dashpipe.spec.diagnostic import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dashpipe.lint.view import View
    from dashpipe.spec.model import Subject


def check(subject: Subject, _view: View) -> Iterator[Problem]:
    """Shares of rows lie in 0 to 1, and numbers of rows and hours are not negative."""
    for one in subject.checks:
        for level, bounds in (("warn", one.warn), ("fail", one.fail)):
            if bounds is None:
                continue
            at = one.origin.at(level)
            if one.type in ("missing", "unique") and bounds.above is not None and not 0 <= bounds.above < 1:
                yield Problem(
                    at.at("above"),
                    f"{bounds.above:g} is no share of rows that could be exceeded",
                    "write a share from 0 (none may be) up to, not including, 1: 5 % is 0.05",
                )
            if one.type == "values" and bounds.above is not None and not 0 <= bounds.above < 1:
                yield Problem(
                    at.at("above"),
                    f"{bounds.above:g} is no share of values that could be exceeded",
                    "write a share from 0 (none may be) up to, not including, 1, or their number: "
                    f"`{{values: {max(bounds.above, 0):g}}}`",
                )
            if one.type == "freshness" and bounds.hours is not None and bounds.hours <= 0:
                yield Problem(at.at("hours"), "this is always exceeded", "write more than 0 hours")
            if one.type == "row_count" and bounds.below is not None and bounds.below <= 0:
                yield Problem(
                    at.at("below"),
                    "there are never fewer rows than that",
                    "write 1 or more: the fewest rows that are good",
                )


RULE = Rule(
    code="Q009",
    name="bounds-senseless",
    severity=Severity.ERROR,
    what="A check's limit can never, or would always, be exceeded.",
    why="Limits of `missing` and `unique` are shares of the rows (5 % is 0.05), of `row_count` numbers of "
    "rows, of `freshness` hours, of `values` shares (`above`) or numbers (`values`) of a field's values.",
    bad="checks:\n  - {id: has-region, type: missing, metric: revenue, fail: {above: 5}}",
    good="checks:\n  - {id: has-region, type: missing, metric: revenue, fail: {above: 0.05}}",
    subject=check,
)

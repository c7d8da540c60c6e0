"""A warning that the failure always forestalls."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dashpipe.lint.rule import Problem, Rule
from dashpipe.spec.diagnostic import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dashpipe.lint.view import View
    from dashpipe.spec.model import Subject


def check(subject: Subject, _view: View) -> Iterator[Problem]:
    """Each limit of ``warn`` is met before that of ``fail``."""
    for one in subject.checks:
        warn, fail = one.warn, one.fail
        if warn is None or fail is None:
            continue
        limits = (
            ("below", warn.below, fail.below),
            ("above", warn.above, fail.above),
            ("hours", warn.hours, fail.hours),
            ("values", warn.values, fail.values),
        )
        for key, first, last in limits:
            if first is None or last is None:
                continue
            if (first <= last) if key == "below" else (first >= last):
                side = "more" if key == "below" else "less"
                yield Problem(
                    one.origin.at("warn", key),
                    f"this never warns: at {first:g} the check has failed already",
                    f"write {side} than {last:g}, so that the warning comes before the failure",
                    related=((one.origin.at("fail", key), "the check fails here"),),
                )


RULE = Rule(
    code="Q003",
    name="warn-after-fail",
    severity=Severity.WARNING,
    what="The limit of `warn` is not stricter than that of `fail`.",
    why="A failed check stops the run, so a warning that comes later, or at the same value, is never seen.",
    bad="checks:\n  - {id: fresh, type: freshness, source: orders, warn: {hours: 24}, fail: {hours: 2}}",
    good="checks:\n  - {id: fresh, type: freshness, source: orders, warn: {hours: 2}, fail: {hours: 24}}",
    subject=check,
)

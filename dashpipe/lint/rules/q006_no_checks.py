"""A subject that nothing guards."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dashpipe.lint.rule import Problem, Rule
from dashpipe.spec.diagnostic import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dashpipe.lint.view import View
    from dashpipe.spec.model import Subject


def check(subject: Subject, _view: View) -> Iterator[Problem]:
    """The subject has at least one check that can fail."""
    if not any(one.fail is not None for one in subject.checks):
        yield Problem(
            subject.origin.at("checks"),
            "no check can stop a run of this subject" if subject.checks else "this subject has no checks",
            "write at least `checks: [{id: not-empty, type: row_count, fail: {below: 1}}]`",
            on_key=not subject.checks,
        )


RULE = Rule(
    code="Q006",
    name="no-checks",
    severity=Severity.WARNING,
    what="A subject has no check that can fail.",
    why="Without one, an empty source publishes empty rows and the dashboard shows zeros. A failed check "
    "keeps the last good rows.",
    bad="checks: []",
    good="checks:\n  - {id: not-empty, type: row_count, fail: {below: 1}}",
    subject=check,
)

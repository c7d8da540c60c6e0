"""A calendar that nothing follows from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dashpipe.lint.fiscal import spoken
from dashpipe.lint.rule import Problem, Rule
from dashpipe.spec.diagnostic import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dashpipe.lint.view import View
    from dashpipe.spec.model import Subject


def check(subject: Subject, _view: View) -> Iterator[Problem]:
    """A calendar is there for fiscal periods."""
    if subject.fiscal is not None and not any(spoken(subject)):
        yield Problem(
            subject.origin.at("calendar"),
            "nothing of this subject is fiscal, so its calendar decides nothing",
            "add fiscal_month, fiscal_quarter or fiscal_year to `grains`, or take the calendar out",
            on_key=True,
        )


RULE = Rule(
    code="T015",
    name="calendar-unused",
    severity=Severity.WARNING,
    what="A subject has a `calendar`, and no fiscal grain, window or offset.",
    why="`month`, `quarter` and `year` are those of the civil calendar, whatever `calendar` says: its "
    "author may well take them for fiscal ones.",
    bad="grains: [day, year]\ncalendar: {fiscal_first_month: 7}",
    good="grains: [day, fiscal_year]\ncalendar: {fiscal_first_month: 7}",
    subject=check,
)

"""Fiscal periods without a calendar."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dashpipe.lint.fiscal import spoken
from dashpipe.lint.rule import Problem, Rule
from dashpipe.spec.diagnostic import Severity
from dashpipe.spec.values import child

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dashpipe.lint.view import View
    from dashpipe.spec.model import Subject


def check(subject: Subject, view: View) -> Iterator[Problem]:
    """A subject that speaks of fiscal periods says which calendar they are of."""
    file = view.project.by_path.get(subject.origin.file)
    if subject.fiscal is not None or (file is not None and child(file.node, "calendar") is not None):
        return
    for grain, at in spoken(subject):
        yield Problem(
            at,
            f"nothing says when a {grain.value} begins",
            "write `calendar: {fiscal_first_month: 7}` for a year that begins in July, or "
            "`calendar: {file: …}` for one of weeks",
        )
        return


RULE = Rule(
    code="T014",
    name="no-calendar",
    severity=Severity.ERROR,
    what="A subject has a fiscal grain, window or offset and no `calendar`.",
    why="Fiscal years begin with another month in each company, and in retail with a week.",
    bad="grains: [day, fiscal_year]",
    good="grains: [day, fiscal_year]\ncalendar: {fiscal_first_month: 7}",
    subject=check,
)

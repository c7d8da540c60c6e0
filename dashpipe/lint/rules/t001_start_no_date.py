"""A start that is not a day of the calendar."""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING

from dashpipe.lint.rule import Problem, Rule
from dashpipe.spec.diagnostic import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dashpipe.lint.view import View
    from dashpipe.spec.model import Subject


def check(subject: Subject, _view: View) -> Iterator[Problem]:
    """The start is ``YYYY-MM-DD`` and such a day exists."""
    try:
        ok = len(subject.start) == 10 and date.fromisoformat(subject.start) is not None
    except ValueError:
        ok = False
    if subject.start and not ok:
        yield Problem(
            subject.origin.at("start"),
            f"`{subject.start}` is not a day of the calendar",
            f"write the first local day to compute as YYYY-MM-DD, such as {_meant(subject.start)}",
        )


def _meant(text: str) -> str:
    """The day that was most likely meant, else an example."""
    numbers = [int(one) for one in re.findall(r"\d+", text)[:3]]
    if len(numbers) == 3 and numbers[2] > 999:
        numbers.reverse()  # 31.12.2023
    try:
        return date(*numbers).isoformat()
    except (TypeError, ValueError):
        return "2024-01-01"


RULE = Rule(
    code="T001",
    name="start-no-date",
    severity=Severity.ERROR,
    what="`start` is not a day of the calendar.",
    why="`start` is the first partition that is ever computed: a local date, written year, month, day.",
    bad="start: 2024-02-30",
    good="start: 2024-02-29",
    subject=check,
)

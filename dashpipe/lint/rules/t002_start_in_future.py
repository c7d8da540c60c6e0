"""A start that has not come yet."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from dashpipe.lint.rule import Problem, Rule
from dashpipe.spec.diagnostic import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dashpipe.lint.view import View
    from dashpipe.spec.model import Subject


def check(subject: Subject, view: View) -> Iterator[Problem]:
    """The start is not after the day of the lint."""
    try:
        start = date.fromisoformat(subject.start)
    except ValueError:
        return
    # A day may already have begun elsewhere: the time zone is of no matter for a mistyped year.
    if (start - view.today).days > 1:
        yield Problem(
            subject.origin.at("start"),
            f"`start` is {(start - view.today).days} days ahead: until then every run writes nothing",
            "write a day that has begun, if you meant to compute the past",
        )


RULE = Rule(
    code="T002",
    name="start-in-future",
    severity=Severity.WARNING,
    what="`start` lies in the future.",
    why="No partition before `start` is ever written, so every run until then is empty. Most often the "
    "year is mistyped.",
    bad="start: 2204-01-01",
    good="start: 2024-01-01",
    subject=check,
)

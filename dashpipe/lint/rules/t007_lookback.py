"""A lookback with which no day would ever be complete, or a part of which does nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dashpipe.lint.rule import Problem, Rule
from dashpipe.spec.diagnostic import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dashpipe.lint.view import View
    from dashpipe.spec.model import Subject


def check(subject: Subject, _view: View) -> Iterator[Problem]:
    """The lookback reaches at least one day back."""
    lookback = subject.lookback
    if lookback is not None and lookback.dense < 1:
        at = subject.origin.at("lookback_days")
        yield Problem(
            at.at("dense"),
            f"with a lookback of {lookback.dense} days no day would ever be complete",
            "write 1 or more: how many days late a document may come",
        )


RULE = Rule(
    code="T007",
    name="no-lookback",
    severity=Severity.ERROR,
    what="`lookback_days` is 0.",
    why="A run computes the days that its window touches. Without a day of lookback yesterday is never "
    "read again after it "
    "ended, so its last hours would be missing for ever.",
    bad="lookback_days: 0",
    good="lookback_days: 3",
    subject=check,
)

"""A schedule that starts a run before the last one can be done."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dashpipe.lint.rule import Problem, Rule
from dashpipe.spec.diagnostic import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dashpipe.lint.view import View
    from dashpipe.spec.model import Subject


#: Minutes between runs below which a warning is due.
LEAST = 5


def check(subject: Subject, view: View) -> Iterator[Problem]:
    """Runs are at least ``LEAST`` minutes apart."""
    often = view.times_a_day(subject)
    if often > 24 * 60 // LEAST:
        yield Problem(
            subject.origin.at("schedule"),
            f"this starts {often} runs a day, and each computes the whole lookback again",
            f'write {LEAST} minutes or more, such as "*/15 * * * *"',
        )


RULE = Rule(
    code="C004",
    name="too-often",
    severity=Severity.WARNING,
    what=f"A subject runs more often than every {LEAST} minutes.",
    why="A run is six Airflow tasks, and only one run of a subject works at a time: the rest wait.",
    bad='schedule: "* * * * *"',
    good='schedule: "*/15 * * * *"',
    subject=check,
)

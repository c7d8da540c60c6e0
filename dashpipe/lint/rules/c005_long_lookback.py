"""A long lookback on a schedule of many runs a day."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dashpipe.lint.rule import Problem, Rule
from dashpipe.spec.diagnostic import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dashpipe.lint.view import View
    from dashpipe.spec.model import Subject


#: Days computed a day from which a warning is due: a week of lookback every hour.
MOST = 400
#: Runs a day above which it is the schedule that is wrong, which `too-often` says.
OFTEN = 24 * 60 // 5


def check(subject: Subject, view: View) -> Iterator[Problem]:
    """Lookback times runs a day stays under ``MOST`` days computed a day."""
    if subject.lookback is None:
        return
    days = subject.lookback.dense + len(subject.lookback.sparse)
    often = view.times_a_day(subject)
    if 1 < often <= OFTEN and days * often > MOST:
        yield Problem(
            subject.origin.at("lookback_days"),
            f"{days} days of lookback in each of {often} runs a day: {days * often} days are computed a day",
            "shorten the lookback, write single days further back as `sparse`, or run less often",
        )


RULE = Rule(
    code="C005",
    name="long-lookback",
    severity=Severity.WARNING,
    what="A long lookback on a schedule of many runs a day.",
    why="Each run reads the documents of every day of the lookback again, changed or not.",
    bad='schedule: "@hourly"\nlookback_days: 30',
    good='schedule: "@hourly"\nlookback_days: {dense: 2, sparse: [7, 30]}',
    subject=check,
)

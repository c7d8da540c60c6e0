"""Hours that are computed again for weeks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dashpipe.lint.rule import Problem, Rule
from dashpipe.spec.diagnostic import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dashpipe.lint.view import View
    from dashpipe.spec.model import Subject


#: Days of lookback from which the hour grain is worth a thought: 24 rows a key and day.
MOST = 14


def check(subject: Subject, _view: View) -> Iterator[Problem]:
    """A subject with the hour grain looks back no further than ``MOST`` dense days."""
    if subject.lookback is None or not any(one.value == "hour" for one in subject.grains):
        return
    days = subject.lookback.dense
    if days > MOST:
        yield Problem(
            subject.origin.at("lookback_days"),
            f"each run writes {days * 24} hours of every key again",
            f"write {MOST} or less, with single days further back: `{{dense: 3, sparse: [7, {days}]}}`",
        )


RULE = Rule(
    code="C003",
    name="hours-far-back",
    severity=Severity.WARNING,
    what=f"A subject with the grain hour has a lookback of more than {MOST} days.",
    why="Every run computes each hour of the lookback for every key. Documents that come weeks late are "
    "few: single days "
    "further back (`sparse`) find them for less.",
    bad="grains: [hour, day]\nlookback_days: 30",
    good="grains: [hour, day]\nlookback_days: {dense: 3, sparse: [7, 30]}",
    subject=check,
)

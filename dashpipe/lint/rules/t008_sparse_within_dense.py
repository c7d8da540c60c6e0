"""Single lookback days that the dense lookback computes anyway."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dashpipe.lint.rule import Problem, Rule
from dashpipe.spec.diagnostic import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dashpipe.lint.view import View
    from dashpipe.spec.model import Subject


def check(subject: Subject, _view: View) -> Iterator[Problem]:
    """Every sparse day lies beyond the dense ones, and stands there once."""
    lookback = subject.lookback
    if lookback is None:
        return
    at = subject.origin.at("lookback_days", "sparse")
    for index, days in enumerate(lookback.sparse):
        if days <= lookback.dense:
            text = f"the day {days} days back is computed anyway: the dense lookback is {lookback.dense}"
            yield Problem(at.at(index), text, f"write more than {lookback.dense}, or leave it out")
        elif days in lookback.sparse[:index]:
            yield Problem(at.at(index), f"{days} stands here twice", "leave one out")


RULE = Rule(
    code="T008",
    name="sparse-within-dense",
    severity=Severity.WARNING,
    what="A sparse lookback day lies within the dense lookback, or is written twice.",
    why="`dense: 3` computes each of the last three days again; `sparse` is for single days further back.",
    bad="lookback_days: {dense: 7, sparse: [7, 30]}",
    good="lookback_days: {dense: 7, sparse: [14, 30]}",
    subject=check,
)

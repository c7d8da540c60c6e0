"""Rows that are pruned before they stop changing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dashpipe.lint.rule import Problem, Rule
from dashpipe.spec.diagnostic import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dashpipe.lint.view import View
    from dashpipe.spec.model import Subject


def check(subject: Subject, _view: View) -> Iterator[Problem]:
    """Rows are kept for longer than the lookback computes them again."""
    days, lookback = subject.target.retention_days, subject.lookback
    if days is None or lookback is None:
        return
    furthest = max((lookback.dense, *lookback.sparse))
    if days <= furthest:
        yield Problem(
            subject.target.origin.at("retention_days"),
            f"rows older than {days} days are pruned, and the lookback writes them again up to {furthest} "
            f"days back",
            f"write more than {furthest}",
        )


RULE = Rule(
    code="T012",
    name="retention-short",
    severity=Severity.ERROR,
    what="`retention_days` is not longer than the lookback.",
    why="Each run would write rows that the next prune removes again.",
    bad="target:\n  retention_days: 2",
    good="target:\n  retention_days: 730",
    subject=check,
)

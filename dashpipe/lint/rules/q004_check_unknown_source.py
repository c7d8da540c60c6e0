"""A check of no source, or of one that is not there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dashpipe.lint.rule import Problem, Rule
from dashpipe.spec.diagnostic import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dashpipe.lint.view import View
    from dashpipe.spec.model import Subject


def check(subject: Subject, view: View) -> Iterator[Problem]:
    """The source of each check is one of the subject's."""
    names = [one.name for one in subject.sources]
    for one in subject.checks:
        if one.source is None or one.source in names:
            continue
        near = view.nearest(one.source, names)
        help = f"did you mean {near}?" if near else f"write one of: {', '.join(names)}"
        yield Problem(one.origin.at("source"), f"this subject has no source `{one.source}`", help)


RULE = Rule(
    code="Q004",
    name="check-unknown-source",
    severity=Severity.ERROR,
    what="A check names a source that the subject does not have.",
    why="`freshness` compares the newest time of one source of the subject with the run's own instant, and "
    "`values` judges what the run read of one.",
    bad="checks:\n  - {id: fresh, type: freshness, source: order, fail: {hours: 24}}",
    good="checks:\n  - {id: fresh, type: freshness, source: orders, fail: {hours: 24}}",
    subject=check,
)

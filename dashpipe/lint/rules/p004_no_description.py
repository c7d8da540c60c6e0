"""A subject that does not say what a row is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dashpipe.lint.rule import Problem, Rule
from dashpipe.spec.diagnostic import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dashpipe.lint.view import View
    from dashpipe.spec.model import Subject


def check(subject: Subject, _view: View) -> Iterator[Problem]:
    """The subject has a description."""
    if not subject.description.strip():
        yield Problem(
            subject.origin.at("subject"),
            "this subject has no description",
            "write `description:` with what one row is, and for whom: it is shown in Airflow and in the "
            "catalogue",
        )


RULE = Rule(
    code="P004",
    name="no-description",
    severity=Severity.WARNING,
    what="A subject has no description.",
    why="What one row stands for is the first question of everyone who finds the collection.",
    bad='description: ""',
    good="description: One row per country and local day.",
    subject=check,
)

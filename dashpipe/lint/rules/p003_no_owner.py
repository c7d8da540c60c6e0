"""A subject that no one answers for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dashpipe.lint.rule import Problem, Rule
from dashpipe.spec.diagnostic import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dashpipe.lint.view import View
    from dashpipe.spec.model import Subject


def check(subject: Subject, _view: View) -> Iterator[Problem]:
    """The subject, or the project for all, has an owner."""
    if not subject.owner.strip():
        yield Problem(
            subject.origin.at("subject"),
            "this subject has no owner",
            "write `owner:` here, or under `[defaults]` in dashpipe.toml for all: who is asked when a "
            "number looks wrong",
        )


RULE = Rule(
    code="P003",
    name="no-owner",
    severity=Severity.WARNING,
    what="A subject has no owner.",
    why="The owner stands on the DAG and in the catalogue: who is asked when a number looks wrong or a run "
    "fails.",
    bad='owner: ""',
    good="owner: teaching-analytics",
    subject=check,
)

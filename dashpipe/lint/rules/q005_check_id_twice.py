"""Two checks with one id."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dashpipe.lint.rule import Problem, Rule
from dashpipe.spec.diagnostic import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dashpipe.lint.view import View
    from dashpipe.spec.model import Subject


def check(subject: Subject, _view: View) -> Iterator[Problem]:
    """The ids of a subject's checks differ."""
    first: dict[str, int] = {}
    for index, one in enumerate(subject.checks):
        earlier = subject.checks[first.setdefault(one.id, index)]
        if earlier is not one:
            yield Problem(
                one.origin.at("id"),
                f"there is a check `{one.id}` already",
                "give each check an id of its own: its results are stored under it",
                related=((earlier.origin.at("id"), "the first one"),),
            )


RULE = Rule(
    code="Q005",
    name="check-id-twice",
    severity=Severity.ERROR,
    what="Two checks of a subject have the same id.",
    why="Results are stored by subject, check id and partition; one would overwrite the other.",
    bad="""
checks:
  - {id: a, type: row_count, fail: {below: 1}}
  - {id: a, type: range, metric: revenue, fail: {below: 0}}
""",
    good="""
checks:
  - {id: not-empty, type: row_count, fail: {below: 1}}
  - {id: positive, type: range, metric: revenue, fail: {below: 0}}
""",
    subject=check,
)

"""A schedule after a subject that is not there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dashpipe.lint.rule import Problem, Rule
from dashpipe.spec.diagnostic import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dashpipe.lint.view import View
    from dashpipe.spec.model import Subject


def check(subject: Subject, view: View) -> Iterator[Problem]:
    """Each name under ``after`` is the id of a subject, without its version."""
    if subject.schedule is None:
        return
    for index, name in enumerate(subject.schedule.after):
        if name not in view.bases:
            at = subject.origin.at("schedule", "after", index)
            yield Problem(at, f"there is no subject `{name}`", _instead(name, subject, view))


def _instead(name: str, subject: Subject, view: View) -> str:
    without = name.rpartition("_v")[0]
    if without in view.bases and name.rpartition("_v")[2].isdigit():
        return f"write {without}, without the version: all its versions are meant"
    short = [base for base in view.bases if base.endswith(f"_{name}")]
    if short:
        return f"write {short[0]}: project, domain and subject"
    near = view.nearest(name, [base for base, every in view.bases.items() if subject not in every])
    return f"did you mean {near}?" if near else "write project, domain and subject, such as cv_dash_teacher"


RULE = Rule(
    code="T009",
    name="after-unknown",
    severity=Severity.ERROR,
    what="`schedule: {after: …}` names a subject that is not in the project.",
    why="A subject that waits for one that does not exist would never run.",
    bad="schedule: {after: [shop_dash_dayly]}",
    good="schedule: {after: [shop_dash_other]}",
    subject=check,
)

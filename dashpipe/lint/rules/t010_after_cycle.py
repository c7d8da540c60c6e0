"""Subjects that wait for each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dashpipe.lint.rule import Problem, Rule
from dashpipe.spec.diagnostic import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dashpipe.lint.view import View
    from dashpipe.spec.model import Subject


def check(view: View) -> Iterator[Problem]:
    """No subject runs after itself, directly or through others."""
    waits = {base: _waits(subjects) for base, subjects in view.bases.items()}
    # Depth first, without recursion: a chain may be as long as the project.
    done: set[str] = set()
    for first in waits:
        trail: list[str] = []
        stack: list[tuple[str, int]] = [(first, 0)]
        while stack:
            name, depth = stack.pop()
            del trail[depth:]
            if name in trail:
                yield _problem([*trail[trail.index(name) :], name], view)
                continue
            if name in done:
                continue
            trail.append(name)
            done.add(name)
            stack.extend((other, depth + 1) for other in waits[name] if other in waits)


def _waits(subjects: list[Subject]) -> list[str]:
    return [name for one in subjects if one.schedule is not None for name in one.schedule.after]


def _problem(cycle: list[str], view: View) -> Problem:
    subject = next(one for one in view.bases[cycle[0]] if one.schedule and cycle[1] in one.schedule.after)
    assert subject.schedule is not None
    index = subject.schedule.after.index(cycle[1])
    chain = " after ".join(cycle)
    text = f"this never starts: {chain}" if len(cycle) > 2 else f"`{cycle[0]}` would run after itself"
    return Problem(
        subject.origin.at("schedule", "after", index),
        text,
        "give one of them a cron schedule"
        if len(cycle) > 2
        else "name another subject, or write a cron schedule",
    )


RULE = Rule(
    code="T010",
    name="after-cycle",
    severity=Severity.ERROR,
    what="Subjects wait for each other in a circle.",
    why="Each would start when the other is done, so none ever starts.",
    bad="schedule: {after: [shop_dash_daily]}",
    good="schedule: {after: [shop_dash_other]}",
    whole=check,
)

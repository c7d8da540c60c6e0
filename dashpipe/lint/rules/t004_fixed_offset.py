"""A zone that never changes its clock, where a place was probably meant."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dashpipe.lint.rule import Problem, Rule
from dashpipe.spec.diagnostic import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dashpipe.lint.view import View
    from dashpipe.spec.model import Subject

_ABBREVIATIONS = {"EST": "America/New_York", "MST": "America/Denver", "HST": "Pacific/Honolulu"}


def check(subject: Subject, _view: View) -> Iterator[Problem]:
    """The zone is a place or UTC, no fixed offset."""
    zone = subject.timezone
    at = subject.origin.at("timezone")
    if zone in _ABBREVIATIONS:
        yield Problem(at, f"`{zone}` stays on winter time all year", f"write {_ABBREVIATIONS[zone]}")
    elif zone.startswith("Etc/GMT") and zone[7:8] in ("+", "-") and zone[8:] != "0":
        west = zone[7] == "+"
        side = "behind" if west else "ahead of"
        text = f"`{zone}` is {zone[8:]} hours {side} UTC: its sign counts the other way"
        yield Problem(at, text, "write the zone of a place, such as Asia/Shanghai")


RULE = Rule(
    code="T004",
    name="fixed-offset",
    severity=Severity.WARNING,
    what="`timezone` is a fixed offset from UTC.",
    why="Abbreviations such as EST keep winter time all year, so half the days begin an hour late; and "
    "Etc/GMT+8 lies "
    "eight hours behind UTC, not ahead.",
    bad="timezone: Etc/GMT+8",
    good="timezone: Asia/Shanghai",
    subject=check,
)

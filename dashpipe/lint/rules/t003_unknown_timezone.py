"""A time zone that the IANA database does not have."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from dashpipe.lint.rule import Problem, Rule
from dashpipe.spec.diagnostic import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dashpipe.lint.view import View
    from dashpipe.spec.model import Subject

#: What people write for a zone that has another name.
ALIASES = {
    "beijing": "Asia/Shanghai",
    "asia/beijing": "Asia/Shanghai",
    "china": "Asia/Shanghai",
    "cst": "Asia/Shanghai or America/Chicago",
    "bst": "Europe/London",
    "london": "Europe/London",
    "ist": "Asia/Kolkata",
    "asia/delhi": "Asia/Kolkata",
    "asia/mumbai": "Asia/Kolkata",
    "jst": "Asia/Tokyo",
    "pst": "America/Los_Angeles",
    "pdt": "America/Los_Angeles",
    "edt": "America/New_York",
    "cdt": "America/Chicago",
    "mdt": "America/Denver",
    "cest": "Europe/Berlin",
    "america/san_francisco": "America/Los_Angeles",
    "america/boston": "America/New_York",
    "america/washington": "America/New_York",
    "europe/munich": "Europe/Berlin",
    "z": "UTC",
}


def check(subject: Subject, _view: View) -> Iterator[Problem]:
    """The zone is one that ``zoneinfo`` finds."""
    if subject.timezone and not known(subject.timezone):
        yield Problem(
            subject.origin.at("timezone"),
            f"there is no time zone `{subject.timezone}`",
            _instead(subject.timezone),
        )


def check_files(view: View) -> Iterator[Problem]:
    """The zone of times in a file is one too."""
    for source in view.sources:
        for key, one in (("file", source.file), ("http", source.http)):
            zone = None if one is None else one.timezone
            if zone is not None and not known(zone):
                yield Problem(
                    source.origin.at(key, "timezone"), f"there is no time zone `{zone}`", _instead(zone)
                )


@cache
def known(name: str) -> bool:
    """Whether the IANA database has a zone of that name, in just these letters."""
    from zoneinfo import ZoneInfo, available_timezones

    try:
        ZoneInfo(name)
    except (OSError, ValueError, KeyError):
        return False
    # On a disk that folds case `europe/london` is found, and then not on the server; area names say enough.
    return name.islower() is False or name in available_timezones()


def _instead(name: str) -> str:
    from difflib import get_close_matches
    from zoneinfo import available_timezones

    if name[:1] in "+-" or name[:3] in ("UTC", "GMT"):
        return "write the zone's IANA name, such as Asia/Shanghai: an offset alone knows no summer time"
    folded = name.lower().replace(" ", "_")
    if folded in ALIASES:
        return f"write {ALIASES[folded]}"
    zones = {zone.lower(): zone for zone in available_timezones()}
    cities = {zone.rpartition("/")[2].lower(): zone for zone in zones.values() if "/" in zone}
    near = get_close_matches(folded, [*zones, *cities], 1, 0.75)
    if near:
        return f"did you mean {zones.get(near[0]) or cities[near[0]]}?"
    return "write an IANA name, such as Asia/Shanghai, Europe/London or UTC"


RULE = Rule(
    code="T003",
    name="unknown-timezone",
    severity=Severity.ERROR,
    what="`timezone` is not a name of the IANA time zone database.",
    why="The zone decides which documents belong to which day, with every change of the clock. An "
    "abbreviation such as "
    "CST names several zones, and an offset such as +08:00 knows no summer time.",
    bad="timezone: Asia/Beijing",
    good="timezone: Asia/Shanghai",
    subject=check,
    whole=check_files,
)

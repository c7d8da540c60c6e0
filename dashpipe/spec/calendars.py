"""Calendar files: from what one says to the first days of its fiscal months."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from dashpipe.spec.model import Fiscal, Origin
from dashpipe.spec.node import Scalar
from dashpipe.spec.values import as_text, child, entries, optional, whole

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dashpipe.spec.node import Node

_WEEK = timedelta(days=7)

#: The shortest and the longest fiscal month that is not a slip: three weeks, and seven.
_SHORTEST, _LONGEST = 21, 49


class Wrong(NamedTuple):
    """What is wrong with a date of a calendar file."""

    at: Origin
    message: str
    help: str


def is_calendar(node: Node | None) -> bool:
    """Whether a file is a calendar: it names itself one, and is neither a subject nor a model."""
    named = isinstance(child(node, "calendar"), Scalar)
    return named and child(node, "subject") is None and child(node, "model") is None


def build_calendar(node: Node, file: str) -> tuple[Fiscal, tuple[Wrong, ...]]:
    """The fiscal periods of a calendar file.

    Args:
        node: The file's root; ``is_calendar`` holds.
        file: Its name in the project.

    Returns:
        The periods, without ``days`` where they are not certain, and what is wrong with the file's dates, not
        with its shape.
    """
    origin = Origin(file)
    named = Fiscal(
        name=optional(node, "calendar") or "",
        version=whole(child(node, "version")) or 1,
        origin=origin,
    )
    wrong: list[Wrong] = []
    by_year = child(node, "years") is not None or child(node, "months") is None
    key = "years" if by_year else "months"
    starts = _days(node, key, origin, wrong)
    last = _day(child(node, "last_day"), origin.at("last_day"), wrong)
    if wrong or last is None or not starts:
        return named, tuple(wrong)
    starts.append((last + timedelta(days=1), origin.at("last_day")))
    wrong += _backwards(starts)
    if not wrong:
        wrong += _years(starts) if by_year else _months(starts)
    days = [day for day, _ in starts]
    weeks = [int(one) for one in (optional(node, "pattern") or "").split("-") if one.isdigit()]
    if wrong or (by_year and len(weeks) != 3):
        return named, tuple(wrong)
    if by_year:
        days = list(_parted(days, weeks, whole(child(node, "week_53")) or 12))
    made = tuple(day.isoformat() for day in days)
    return Fiscal(days=made, name=named.name, version=named.version, origin=origin), ()


def _days(node: Node, key: str, origin: Origin, wrong: list[Wrong]) -> list[tuple[date, Origin]]:
    read = ((_day(one, at, wrong), at) for one, at in entries(child(node, key), origin.at(key)))
    return [(day, at) for day, at in read if day is not None]


def _day(node: Node | None, at: Origin, wrong: list[Wrong]) -> date | None:
    text = as_text(node)
    if not text:
        return None  # said by the shape
    try:
        if len(text) == 10:
            return date.fromisoformat(text)
    except ValueError:
        pass
    wrong.append(Wrong(at, f"`{text}` is not a day of the calendar", "write a day as YYYY-MM-DD: 2024-02-04"))
    return None


def _backwards(starts: list[tuple[date, Origin]]) -> Iterator[Wrong]:
    """Each day is after the one before it."""
    for (before, _), (day, at) in pairwise(starts):
        if day <= before:
            said = "`last_day` is before" if at.path == ("last_day",) else f"{day} is not after"
            yield Wrong(
                at, f"{said} the day that stands before it, {before}", "write the days in their order"
            )


def _years(starts: list[tuple[date, Origin]]) -> Iterator[Wrong]:
    """Each year has 52 weeks, or 53. One day that is wrong makes two years wrong, and is told once."""
    told = False
    for (first, _), (after, at) in pairwise(starts):
        days = (after - first).days
        wrong = days not in (364, 371)
        if wrong and not told:
            yield Wrong(
                at,
                f"the year from {first} to here has {days} days: a year of weeks has 364 (52) or 371 (53)",
                "mend this day or the one before it, or write `months` where years are not of whole weeks",
            )
        told = wrong and not told


def _months(starts: list[tuple[date, Origin]]) -> Iterator[Wrong]:
    """Twelve months a year, none so short or long that a day must be missing or mistyped."""
    found = told = False
    for (first, _), (after, at) in pairwise(starts):
        days = (after - first).days
        wrong = not _SHORTEST <= days <= _LONGEST
        if wrong and not told:
            yield Wrong(
                at,
                f"the month from {first} to here has {days} days: one has {_SHORTEST} to {_LONGEST}",
                "mend this day or the one before it, or add the one that is missing between them",
            )
        told, found = wrong and not told, found or wrong
    if not found and (len(starts) - 1) % 12:
        yield Wrong(
            Origin(starts[0][1].file, ("months",)),
            f"these are {len(starts) - 1} months, and a year has 12",
            "write the first day of each month of each year, from the first month of a year on",
        )


def _parted(years: list[date], weeks: list[int], long_month: int) -> Iterator[date]:
    """The first days of the months of years, and last the day after them."""
    for first, after in pairwise(years):
        day = first
        for month in range(12):
            yield day
            day += weeks[month % 3] * _WEEK
            if month + 1 == long_month and after - first > 52 * _WEEK:
                day += _WEEK
    yield years[-1]

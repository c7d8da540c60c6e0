"""Expressions for partition labels and for the text of a row's ``_id``.

A day is ``$dateToString`` in the zone, longer grains come from that text: ``$dateTrunc`` is wrong on one
engine in use without an error.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import Any

from dashpipe.compile import instant
from dashpipe.compile.periods import MONTHS, first_month_of, neighbours
from dashpipe.compile.plan import Key
from dashpipe.expr import FieldType
from dashpipe.spec.model import WEEKDAYS, Calendar, Grain, Time

_DAY = "%Y-%m-%d"

#: The grains whose labels a date's text is at once; those of the others are found from the day's.
_FORMATS = {Grain.HOUR: "%Y-%m-%dT%H%z", Grain.DAY: _DAY, Grain.MONTH: "%Y-%m-01", Grain.YEAR: "%Y-01-01"}


def of_time(grain: Grain, moment: Any, calendar: Calendar, labels: Iterable[str]) -> Any:
    """The label of the partition that holds an instant (an expression for a date).

    Args:
        grain: The grain.
        moment: The instant.
        calendar: The subject's calendar.
        labels: The partitions that the documents are of: periods of a calendar file are told apart near them.
    """
    form = _FORMATS.get(grain)
    text = {"$dateToString": {"date": moment, "format": form or _DAY, "timezone": calendar.timezone}}
    return _coarsen(grain, text, calendar, labels) if form is None else text


def of_document(grain: Grain, time: Time, calendar: Calendar, labels: Iterable[str]) -> Any:
    """The label of the partition that a document is of; the one there is, where it is taken as it stands."""
    if time.kind != "snapshot":
        return of_time(grain, instant.value(time), calendar, labels)
    (label,) = labels
    return label


def of_label(grain: Grain, label: Any, calendar: Calendar, labels: Iterable[str]) -> Any:
    """The label of the partition of ``grain`` that holds a finer label (an expression for its text)."""
    return _coarsen(grain, {"$substrBytes": [label, 0, 10]}, calendar, labels)


def _coarsen(grain: Grain, day: Any, calendar: Calendar, labels: Iterable[str]) -> Any:
    """The label of the partition that holds a day, of which there is the text."""
    if grain is Grain.DAY:
        return day
    return {"$let": {"vars": {"day": day}, "in": _holding(grain, calendar, labels)}}


def _holding(grain: Grain, calendar: Calendar, labels: Iterable[str]) -> Any:
    """The label of the partition that holds ``$$day``."""
    if grain is Grain.WEEK:
        # isoDayOfWeek counts Monday as 1; the shift is the number of days since the week began.
        shift = 7 - (WEEKDAYS.index(calendar.week_start) + 1)
        first = {
            "$dateSubtract": {
                "startDate": "$$date",
                "unit": "day",
                "amount": {"$mod": [{"$add": [{"$isoDayOfWeek": "$$date"}, shift]}, 7]},
            }
        }
        date = {"$dateFromString": {"dateString": "$$day", "format": _DAY}}
        return {"$let": {"vars": {"date": date}, "in": {"$dateToString": {"date": first, "format": _DAY}}}}
    size, first_month = MONTHS[grain], first_month_of(grain, calendar)
    if first_month is None:
        return _last_before(neighbours(grain, labels, calendar))
    if size == 1:
        return {"$concat": [{"$substrBytes": ["$$day", 0, 7]}, "-01"]}
    return _by_months(range((first_month - 1) % size + 1, 13, size))


def _by_months(months: range) -> Any:
    """The period that holds ``$$day``, of those that begin with these months of each year."""
    year = {"$substrBytes": ["$$day", 0, 4]}
    month = {"$substrBytes": ["$$day", 5, 2]}
    branches = [
        {"case": {"$lt": [month, f"{after:02}"]}, "then": {"$concat": [year, f"-{first:02}-01"]}}
        for first, after in pairwise(months)
    ]
    if months[0] > 1:  # what is before the first of them is of the last of the year before
        year_before = {"$toString": {"$add": [{"$toInt": year}, 9999]}}
        then = {"$concat": [{"$substrBytes": [year_before, 1, 4]}, f"-{months[-1]:02}-01"]}
        branches.insert(0, {"case": {"$lt": [month, f"{months[0]:02}"]}, "then": then})
    last = {"$concat": [year, f"-{months[-1]:02}-01"]}
    return {"$switch": {"branches": branches, "default": last}} if branches else last


def _last_before(starts: tuple[str, ...]) -> Any:
    """The last of some first days that ``$$day`` is not before, by halves; the first for what is earlier."""
    if len(starts) == 1:
        return starts[0]
    half = len(starts) // 2
    later, earlier = _last_before(starts[half:]), _last_before(starts[:half])
    return {"$cond": [{"$gte": ["$$day", starts[half]]}, later, earlier]}


def key_text(key: tuple[Key, ...], label: Any, prefix: str) -> Any:
    """The ``_id`` of a row: its partition's label, then the key's dimensions by name, joined by ``|``."""
    if not key:
        return label
    parts: list[Any] = [label]
    for one in key:
        path = f"{prefix}.{one.name}"
        parts += ["|", found_text(path) if one.found else value_text(path, one.type)]
    return {"$concat": parts}


def found_text(path: Any) -> Any:
    """What was looked up as part of an ``_id``: different for different values, also of different types."""

    def is_(type_: str) -> Any:
        return {"$eq": [{"$type": path}, type_]}

    branches = [
        {"case": {"$not": [{"$gt": [path, None]}]}, "then": "\\N"},
        {"case": is_("string"), "then": text(path, FieldType.STRING)},
        {"case": is_("bool"), "then": {"$cond": [path, "\\btrue", "\\bfalse"]}},
        {"case": is_("objectId"), "then": {"$concat": ["\\o", {"$toString": path}]}},
    ]
    return {"$switch": {"branches": branches, "default": {"$concat": ["\\i", {"$toString": path}]}}}


def value_text(path: Any, type_: FieldType) -> Any:
    """A value as part of an ``_id``."""
    return {"$cond": [{"$gt": [path, None]}, text(path, type_), "\\N"]}


def text(path: Any, type_: FieldType) -> Any:
    """A value that is not null as part of an ``_id``."""
    if type_ is FieldType.BOOLEAN:
        return {"$cond": [path, "true", "false"]}
    if type_ in (FieldType.INTEGER, FieldType.OBJECT_ID):
        return {"$toString": path}
    slashes = {"$replaceAll": {"input": path, "find": "\\", "replacement": "\\\\"}}
    return {"$replaceAll": {"input": slashes, "find": "|", "replacement": "\\p"}}


def key_value(one: Key, value: Any, tz: str) -> Any:
    """A dimension's value as rows hold it: dates are the text of their local day, whole numbers are longs."""
    if one.type is FieldType.DATE:
        return {
            "$cond": [
                {"$gt": [value, None]},
                {"$dateToString": {"date": value, "format": "%Y-%m-%d", "timezone": tz}},
                None,
            ]
        }
    return value

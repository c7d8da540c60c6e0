"""Expressions for partition labels and for the text of a row's ``_id``.

A day is ``$dateToString`` in the zone, longer grains come from that text: ``$dateTrunc`` is wrong on one
engine in use without an error.
"""

from __future__ import annotations

from typing import Any

from dashpipe.compile.plan import Key
from dashpipe.expr import FieldType
from dashpipe.spec.model import WEEKDAYS, Calendar, Grain

_FORMATS = {
    Grain.HOUR: "%Y-%m-%dT%H%z",
    Grain.DAY: "%Y-%m-%d",
    Grain.WEEK: "%Y-%m-%d",
    Grain.MONTH: "%Y-%m-01",
    Grain.QUARTER: "%Y-%m-01",
    Grain.YEAR: "%Y-01-01",
}


def of_time(grain: Grain, instant: Any, calendar: Calendar) -> Any:
    """The label of the partition that holds an instant (an expression for a date)."""
    text = {"$dateToString": {"date": instant, "format": _FORMATS[grain], "timezone": calendar.timezone}}
    return _coarsen(grain, text, calendar)


def of_label(grain: Grain, label: Any, calendar: Calendar) -> Any:
    """The label of the partition of ``grain`` that holds a finer label (an expression for its text)."""
    day: Any = {"$substrBytes": [label, 0, 10]}
    if grain is Grain.MONTH:
        day = {"$concat": [{"$substrBytes": [label, 0, 7]}, "-01"]}
    if grain is Grain.YEAR:
        day = {"$concat": [{"$substrBytes": [label, 0, 4]}, "-01-01"]}
    return _coarsen(grain, day, calendar)


def _coarsen(grain: Grain, day: Any, calendar: Calendar) -> Any:
    if grain is Grain.QUARTER:
        month = {"$substrBytes": ["$$day", 5, 2]}
        first = {
            "$switch": {
                "branches": [
                    {"case": {"$lt": [month, "04"]}, "then": "-01-01"},
                    {"case": {"$lt": [month, "07"]}, "then": "-04-01"},
                    {"case": {"$lt": [month, "10"]}, "then": "-07-01"},
                ],
                "default": "-10-01",
            }
        }
        return {"$let": {"vars": {"day": day}, "in": {"$concat": [{"$substrBytes": ["$$day", 0, 4]}, first]}}}
    if grain is Grain.WEEK:
        # isoDayOfWeek counts Monday as 1; the shift is the number of days since the week began.
        shift = 7 - (WEEKDAYS.index(calendar.week_start) + 1)
        back = {"$mod": [{"$add": [{"$isoDayOfWeek": "$$day"}, shift]}, 7]}
        first_day = {"$dateSubtract": {"startDate": "$$day", "unit": "day", "amount": back}}
        return {
            "$let": {
                "vars": {"day": {"$dateFromString": {"dateString": day, "format": "%Y-%m-%d"}}},
                "in": {"$dateToString": {"date": first_day, "format": "%Y-%m-%d"}},
            }
        }
    return day


def key_text(key: tuple[Key, ...], label: Any, prefix: str) -> Any:
    """The ``_id`` of a row: its partition's label, then the key's dimensions by name, joined by ``|``."""
    if not key:
        return label
    parts: list[Any] = [label]
    for one in key:
        parts += ["|", _text(f"{prefix}.{one.name}", one.type)]
    return {"$concat": parts}


def _text(path: str, type_: FieldType) -> Any:
    if type_ is FieldType.BOOLEAN:
        body: Any = {"$cond": [path, "true", "false"]}
    elif type_ in (FieldType.INTEGER, FieldType.OBJECT_ID):
        body = {"$toString": path}
    else:
        slashes = {"$replaceAll": {"input": path, "find": "\\", "replacement": "\\\\"}}
        body = {"$replaceAll": {"input": slashes, "find": "|", "replacement": "\\p"}}
    return {"$cond": [{"$gt": [path, None]}, body, "\\N"]}


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

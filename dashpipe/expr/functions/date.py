"""Functions of dates, each read in the subject's zone.

``$dateTrunc`` is not used: an engine in use truncates wrongly without an error. Local dates come from
``$dateToString`` and go back by ``$dateFromString``.
"""

from __future__ import annotations

from typing import Any

from dashpipe.expr.emit.build import named
from dashpipe.expr.functions.function import DATE, Emit, Function, Param
from dashpipe.expr.scope import Typed
from dashpipe.expr.types import FieldType

_INTEGER, _DATE = FieldType.INTEGER, FieldType.DATE

_FORMATS = ("%Y", "%m", "%d", "%H", "%M", "%S", "%j", "%G", "%V", "%u", "%%")

_TRUNC = Param(
    "part",
    ("day", "week", "month", "quarter", "year"),
    "the hour that a clock change repeats has no one start: write hour(x), or use the grain hour",
)
_DIFF = Param(
    "part",
    ("second", "minute", "day", "month", "quarter", "year"),
    "whole hours are date_sub('hour', a, b); weeks are floor(date_diff('day', a, b) / 7)",
)
_SUB = Param("part", ("second", "minute", "hour"), "longer parts are date_diff('day', a, b)")
_FORMAT = Param("format", _FORMATS)

_MILLISECONDS = {"second": 1000, "minute": 60_000, "hour": 3_600_000, "day": 86_400_000}


def text(date: Any, form: str, zone: str) -> Any:
    """A date as text, in a zone."""
    return {"$dateToString": {"date": date, "format": form, "timezone": zone}}


def _part(operator: str) -> Emit:
    return lambda args, call: {operator: {"date": args[0], "timezone": call.value[1]}}


def _weekday(args: list[Any], call: Typed) -> Any:
    return {"$subtract": [{"$dayOfWeek": {"date": args[0], "timezone": call.value[1]}}, 1]}


def _quarter_of(date: Any, zone: str) -> Any:
    return {"$toLong": {"$ceil": {"$divide": [{"$month": {"date": date, "timezone": zone}}, 3]}}}


def day_start(date: Any, zone: str) -> Any:
    """The first instant of a date's local day."""
    return {
        "$dateFromString": {
            "dateString": text(date, "%Y-%m-%d", zone),
            "format": "%Y-%m-%d",
            "timezone": zone,
        }
    }


def _date_trunc(args: list[Any], call: Typed) -> Any:
    part, zone = args[0], call.value[1]
    if part == "day":
        return day_start(args[1], zone)
    if part == "week":
        return named("d", args[1], lambda d: _week_start(d, zone))
    if part == "quarter":
        return named("d", args[1], lambda d: _local(_quarter_start(d, zone), zone))
    return _local(text(args[1], "%Y-%m-01" if part == "month" else "%Y-01-01", zone), zone)


def _local(day: Any, zone: str) -> Any:
    return {"$dateFromString": {"dateString": day, "format": "%Y-%m-%d", "timezone": zone}}


def _quarter_start(date: Any, zone: str) -> Any:
    month = {"$month": {"date": date, "timezone": zone}}
    branches = [
        {"case": {"$lt": [month, first]}, "then": day}
        for first, day in ((4, "-01-01"), (7, "-04-01"), (10, "-07-01"))
    ]
    return {"$concat": [text(date, "%Y", zone), {"$switch": {"branches": branches, "default": "-10-01"}}]}


def _week_start(date: Any, zone: str) -> Any:
    """The Monday is found among calendar days in UTC, all of 24 hours, and then placed in the zone."""
    back = {
        "$multiply": [
            {"$subtract": [{"$isoDayOfWeek": {"date": date, "timezone": zone}}, 1]},
            _MILLISECONDS["day"],
        ]
    }
    monday = {"$toDate": {"$subtract": [_calendar(date, zone), back]}}
    return _local({"$dateToString": {"date": monday, "format": "%Y-%m-%d"}}, zone)


def _calendar(date: Any, zone: str) -> Any:
    """A date's local calendar day, as the milliseconds of its midnight in UTC."""
    return {
        "$toLong": {"$dateFromString": {"dateString": text(date, "%Y-%m-%d", zone), "format": "%Y-%m-%d"}}
    }


def _date_diff(args: list[Any], call: Typed) -> Any:
    part, zone = args[0], call.value[1]
    if part == "day":
        days = {
            "$divide": [
                {"$subtract": [_calendar(args[2], zone), _calendar(args[1], zone)]},
                _MILLISECONDS["day"],
            ]
        }
        return {"$toLong": days}
    if part in ("second", "minute"):
        start, end = ({"$floor": {"$divide": [{"$toLong": one}, _MILLISECONDS[part]]}} for one in args[1:])
        return {"$toLong": {"$subtract": [end, start]}}
    per_year = {"year": 1, "quarter": 4, "month": 12}[part]
    start, end = (named("d", one, lambda d: _count(d, zone, per_year)) for one in args[1:])
    return {"$subtract": [end, start]}


def _count(date: Any, zone: str, per_year: int) -> Any:
    year = {"$year": {"date": date, "timezone": zone}}
    if per_year == 1:
        return year
    within = _quarter_of(date, zone) if per_year == 4 else {"$month": {"date": date, "timezone": zone}}
    return {"$add": [{"$multiply": [year, per_year]}, within]}


def _date_sub(args: list[Any], _: Typed) -> Any:
    passed = {"$subtract": [{"$toLong": args[2]}, {"$toLong": args[1]}]}
    return {"$toLong": {"$trunc": {"$divide": [passed, _MILLISECONDS[args[0]]]}}}


FUNCTIONS = (
    Function("year", "year(date)", (DATE,), _INTEGER, "the year", "year(paid_at)", _part("$year"), 1),
    Function(
        "quarter",
        "quarter(date)",
        (DATE,),
        _INTEGER,
        "the quarter, 1 to 4",
        "quarter(paid_at)",
        lambda args, call: _quarter_of(args[0], call.value[1]),
        1,
    ),
    Function(
        "month", "month(date)", (DATE,), _INTEGER, "the month, 1 to 12", "month(paid_at)", _part("$month"), 1
    ),
    Function(
        "day", "day(date)", (DATE,), _INTEGER, "the day of the month", "day(paid_at)", _part("$dayOfMonth"), 1
    ),
    Function(
        "hour", "hour(date)", (DATE,), _INTEGER, "the hour, 0 to 23", "hour(paid_at)", _part("$hour"), 1
    ),
    Function(
        "minute",
        "minute(date)",
        (DATE,),
        _INTEGER,
        "the minute, 0 to 59",
        "minute(paid_at)",
        _part("$minute"),
        1,
    ),
    Function(
        "second",
        "second(date)",
        (DATE,),
        _INTEGER,
        "the second, 0 to 59",
        "second(paid_at)",
        _part("$second"),
        1,
    ),
    Function(
        "dayofweek",
        "dayofweek(date)",
        (DATE,),
        _INTEGER,
        "the day of the week, Sunday 0 to Saturday 6",
        "dayofweek(paid_at)",
        _weekday,
        1,
    ),
    Function(
        "isodow",
        "isodow(date)",
        (DATE,),
        _INTEGER,
        "the day of the week, Monday 1 to Sunday 7",
        "isodow(paid_at)",
        _part("$isoDayOfWeek"),
        1,
    ),
    Function(
        "dayofyear",
        "dayofyear(date)",
        (DATE,),
        _INTEGER,
        "the day of the year, from 1",
        "dayofyear(paid_at)",
        _part("$dayOfYear"),
        1,
    ),
    Function(
        "week",
        "week(date)",
        (DATE,),
        _INTEGER,
        "the ISO week, 1 to 53",
        "week(paid_at)",
        _part("$isoWeek"),
        1,
    ),
    Function(
        "isoyear",
        "isoyear(date)",
        (DATE,),
        _INTEGER,
        "the year that the ISO week belongs to",
        "isoyear(paid_at)",
        _part("$isoWeekYear"),
        1,
    ),
    Function(
        "date_trunc",
        "date_trunc(part, date)",
        (_TRUNC, DATE),
        _DATE,
        "the start of the day, week (Monday), month, quarter or year",
        "date_trunc('month', paid_at)",
        _date_trunc,
        2,
    ),
    Function(
        "date_diff",
        "date_diff(part, from, to)",
        (_DIFF, DATE, DATE),
        _INTEGER,
        "how many starts of a second, minute, day, month, quarter or year lie between",
        "date_diff('day', ordered_at, shipped_at)",
        _date_diff,
        3,
    ),
    Function(
        "date_sub",
        "date_sub(part, from, to)",
        (_SUB, DATE, DATE),
        _INTEGER,
        "how many whole seconds, minutes or hours passed",
        "date_sub('hour', ordered_at, shipped_at)",
        _date_sub,
        3,
    ),
    Function(
        "strftime",
        "strftime(date, format)",
        (DATE, _FORMAT),
        FieldType.STRING,
        "the date as text, of %Y %m %d %H %M %S %j %G %V %u",
        "strftime(paid_at, '%Y-%m')",
        lambda args, call: text(args[0], args[1], call.value[1]),
        2,
    ),
)

"""How a document's instant is stored: as MongoDB's date, as text, as a number, or within an object id.

Ranges are literals in the stored form, so that an index on the field serves them; expressions turn what is
stored into a date. A range stands alone in a stage, and what else is asked in the next: MongoDB plans the two
as one filter, while engines in use find no index for a range with some of it beside. Text orders by its own
date and not by its instant, which an offset moves by less than a day: its range is a day wider on both sides,
and who needs the exact documents looks at the instant besides.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

from dashpipe.compile.canonical import ObjectId
from dashpipe.spec.model import Time

Filter = dict[str, Any]
Stages = list[dict[str, Any]]
Span = tuple[datetime, datetime]

#: Before every document that counts; a day above the least date, since ranges of text are a day wider.
BEGINNING = datetime(1, 1, 3, tzinfo=timezone.utc)

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_DAY, _SECOND, _TICK = timedelta(days=1), timedelta(seconds=1), timedelta(milliseconds=1)

#: A number beyond the years 1 to 9999 is no instant: milliseconds read as seconds lie there.
_FIRST, _AFTER = -62_135_596_800, 253_402_300_800
#: From here on the seconds of an object id are negative on some servers.
_LAST_ID = 2**31

#: The days that there are, in text: 31 April is none, 29 February is one in leap years.
_MONTHS = r"(?:0[1-9]|1[0-2])-(?:0[1-9]|1[0-9]|2[0-8])|(?:0[13-9]|1[0-2])-(?:29|30)|(?:0[13578]|1[02])-31"
_LEAP = r"(?:[0-9]{2}(?:0[48]|[2468][048]|[13579][26])|(?:0[48]|[2468][048]|[13579][26])00)-02-29"
#: Text that says an instant: a date, a time to the second, and ``Z`` or an offset from UTC.
PATTERN = (
    rf"^(?!0000)(?:[0-9]{{4}}-(?:{_MONTHS})|{_LEAP})[T ](?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]"
    r"(?:\.[0-9]{1,9})?(?:Z|[+-](?:[01][0-9]|2[0-3])(?::?[0-5][0-9])?)$(?!\n)"
)

_DIGITS = "0123456789"
_SINGLE: Filter = {"$not": {"$type": "array"}}

#: Every BSON type but null and undefined, which a filter for null finds.
_TYPES = (
    *("double", "string", "object", "array", "binData", "undefined", "objectId", "bool", "date", "regex"),
    *("dbPointer", "javascript", "symbol", "javascriptWithScope", "int", "timestamp", "long", "decimal"),
    *("minKey", "maxKey"),
)
_NUMBERS = ("double", "int", "long", "decimal")
_STORED = {
    "date": ("date",),
    "iso": ("string",),
    "epoch_s": _NUMBERS,
    "epoch_ms": _NUMBERS,
    "object_id": ("objectId",),
}

#: Each form in words: "has no …".
WORDS = {
    "date": "date",
    "iso": "ISO 8601 text with an offset",
    "epoch_s": "seconds since 1970",
    "epoch_ms": "milliseconds since 1970",
    "object_id": "object id",
    "snapshot": "time",
}


def exact(time: Time) -> bool:
    """Whether `between` passes no document of another instant."""
    return time.kind != "iso"


def between(time: Time, spans: Iterable[Span], exactly: bool = False) -> Stages:
    """The filters for documents whose instant lies in one of the ranges ``[start, end)``, one after another.

    An array, or a path through an array, would pass a range by any of its elements; such a time is of
    another type, so it is left out here and counted as untimed.

    Args:
        time: The field and its form.
        spans: The ranges, at least one.
        exactly: Look at the instant besides, where the stored form is not in its order.
    """
    if time.kind == "snapshot":
        return [{"$match": {}}]
    spans = tuple(spans)
    own = {"$regex": PATTERN} if time.kind == "iso" else {}
    ranges: list[Filter] = [{time.field: _range(time.kind, start, end)} for start, end in spans]
    found: Filter = {time.field: {**_SINGLE, **own}, **dict.fromkeys(parents(time.field), _SINGLE)}
    if exactly and not exact(time):
        at = value(time)
        tests: list[Filter] = [{"$and": [{"$gte": [at, start]}, {"$lt": [at, end]}]} for start, end in spans]
        found |= {"$expr": tests[0] if len(tests) == 1 else {"$or": tests}}
    return [{"$match": ranges[0] if len(ranges) == 1 else {"$or": ranges}}, {"$match": found}]


def since(time: Time, start: datetime) -> Stages:
    """The filters for documents whose instant is not before ``start`` (text: by less than two days)."""
    return between(time, [(start, datetime(9999, 12, 28, tzinfo=timezone.utc))])


def before(time: Time, end: datetime) -> Stages:
    """The filters for documents whose instant lies before ``end``."""
    return between(time, [(BEGINNING, end)], exactly=True)


def timed(time: Time) -> Filter:
    """The filter for the documents that have an instant."""
    if time.kind == "date":
        own: Filter = {"$type": "date"}
    elif time.kind == "iso":
        own = {"$regex": PATTERN}
    elif time.kind == "object_id":
        own = {"$type": "objectId", "$lt": _id(_LAST_ID)}
    else:
        scale = _scale(time.kind)
        own = {"$gte": _FIRST * scale, "$lt": _AFTER * scale}
    return {time.field: {**own, **_SINGLE}, **dict.fromkeys(parents(time.field), _SINGLE)}


def untimed(time: Time, *, arrays: bool = True) -> Filter:
    """The filter for the documents that have none.

    Args:
        time: The field and its form.
        arrays: Whether there may be arrays. To find them a server looks at every document of the index; all
            else but the look at texts are tight bounds. An empty one, which has no element, is found anyway.
    """
    field, stored = time.field, _STORED[time.kind]
    others = [one for one in _TYPES if one not in stored and (arrays or one != "array")]
    found: list[Filter] = [{field: None}, {field: {"$type": others}}]
    if time.kind == "iso":
        found.append({field: {"$type": "string", "$not": {"$regex": PATTERN}}})
    elif time.kind == "object_id":
        found.append({field: {"$gte": _id(_LAST_ID)}})
    elif stored is _NUMBERS:
        scale = _scale(time.kind)
        found += [{field: {"$lt": _FIRST * scale}}, {field: {"$gte": _AFTER * scale}}]
        found.append({field: Decimal("NaN")})
    above: list[Filter] = [{one: {"$type": "array"}} for one in parents(field)] if arrays else [{field: []}]
    return {"$or": [*found, *above]}


def value(time: Time) -> Any:
    """The instant of a document that has one, as a date."""
    if time.kind == "snapshot":
        return None  # nothing that asks for it is computed of a snapshot
    at = f"${time.field}"
    if time.kind == "date":
        return at
    if time.kind == "object_id":
        return {"$toDate": at}
    if time.kind == "iso":
        return {"$dateFromString": {"dateString": _to_the_millisecond(at), "onError": None}}
    scaled = at if time.kind == "epoch_ms" else {"$multiply": [at, 1000]}
    return {"$toDate": {"$toLong": {"$floor": scaled}}}


def newest(time: Time, start: datetime | None, until: datetime) -> Stages:
    """The pipeline that yields the newest instant up to ``until`` as ``{at}``, of none before ``start``."""
    span = (start or datetime(1, 1, 2, tzinfo=timezone.utc), until + _TICK)
    match = between(time, [span], exactly=True)
    if exact(time):
        shown = {"$project": {"_id": 0, "at": value(time)}}
        return [*match, {"$sort": {time.field: -1}}, {"$limit": 1}, shown]
    return [*match, {"$group": {"_id": None, "at": {"$max": value(time)}}}]


def parents(path: str) -> list[str]:
    """The paths on the way to a dotted one: ``a.b.c`` → ``a``, ``a.b``."""
    steps = path.split(".")
    return [".".join(steps[:at]) for at in range(1, len(steps))]


def _range(kind: str, start: datetime, end: datetime) -> Filter:
    """The stored values whose instants lie in ``[start, end)``; of text, a day more on both sides."""
    if kind == "date":
        return {"$gte": start, "$lt": end}
    if kind == "iso":
        low, high = start.astimezone(timezone.utc) - _DAY, (end - _TICK).astimezone(timezone.utc) + 2 * _DAY
        return {"$gte": low.date().isoformat(), "$lt": high.date().isoformat()}
    if kind == "object_id":  # its instants are whole seconds
        low_id, high_id = (max(0, min(_ceiling(one), _LAST_ID)) for one in (start, end))
        return {"$gte": _id(low_id), "$lt": _id(high_id)}
    return {"$gte": _number(kind, start), "$lt": _number(kind, end)}


def _number(kind: str, instant: datetime) -> int | float:
    ticks = (instant - _EPOCH) // _TICK
    if kind == "epoch_ms":
        return ticks
    return ticks / 1000 if ticks % 1000 else ticks // 1000


def _ceiling(instant: datetime) -> int:
    return -((_EPOCH - instant) // _SECOND)


def _id(seconds: int) -> ObjectId:
    return ObjectId(f"{seconds:08x}{'0' * 16}")


def _scale(kind: str) -> int:
    return 1000 if kind == "epoch_ms" else 1


def _to_the_millisecond(text: str) -> Any:
    """Text that says an instant, without what follows its milliseconds: servers read more in several ways."""
    digits = {"$ltrim": {"input": {"$substrBytes": [text, 21, 2]}, "chars": _DIGITS}}
    fine = {"$and": [{"$eq": [{"$substrBytes": [text, 19, 1]}, "."]}, {"$eq": [digits, ""]}]}
    zone = {"$ltrim": {"input": {"$substrBytes": [text, 23, -1]}, "chars": _DIGITS}}
    return {"$cond": [fine, {"$concat": [{"$substrBytes": [text, 0, 23]}, zone]}, text]}

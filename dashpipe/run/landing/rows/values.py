"""The values of a landed document: text of a file to the declared type of its field, exactly or not at all.

What is not of its field's type stays as it stands there: the run counts it as mistyped, as in any other
source, and ``on_type_error`` says what follows.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from decimal import Context, Decimal, DecimalException
from typing import Any
from zoneinfo import ZoneInfo

from bson.decimal128 import Decimal128, create_decimal128_context
from bson.objectid import ObjectId

_INTEGER = re.compile(r"[+-]?[0-9]{1,40}(?:\.0*)?")
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,5})?")
_ID = re.compile(r"[0-9a-fA-F]{24}")
_DATE = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})"
    r"(?:[T ]([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:[.,]([0-9]{1,9}))?)?)?"
    r"(?: ?(Z|z|[+-][0-9]{2}(?::?[0-9]{2})?))?"
)
_FLAGS = {
    **dict.fromkeys(("true", "t", "yes", "y", "1"), True),
    **dict.fromkeys(("false", "f", "no", "n", "0"), False),
}
_LONG = 2**63

#: Decimal128's own digits and exponents, with an error for what would be rounded.
_EXACT: Context = create_decimal128_context()
_EXACT.traps = {
    **_EXACT.traps,
    **{one: True for one in _EXACT.traps if one.__name__ in ("Inexact", "Rounded")},
}


def from_text(text: str, type_: str, zone: ZoneInfo | None) -> Any:
    """A text as a value of a declared type; the text itself where it is none."""
    convert = _CONVERSIONS.get(type_)
    return text if convert is None else convert(text, zone)


def decimal(value: Decimal) -> Decimal128 | None:
    """A decimal as MongoDB's, ``None`` where its 34 digits do not hold it."""
    try:
        return Decimal128(_EXACT.create_decimal(value))
    except DecimalException:
        return None


def instant(text: str, zone: ZoneInfo | None) -> datetime | None:
    """The instant that an ISO 8601 text says, to the millisecond, in UTC; ``None`` where it says none.

    A text without an offset is read in the zone: of a time that a clock change repeats, the first. Without a
    zone it says no instant.
    """
    match = _DATE.fullmatch(text.strip())
    if match is None:
        return None
    year, month, day, hour, minute, second = (int(one or 0) for one in match.groups()[:6])
    fraction = int((match[7] or "0").ljust(9, "0")[:3]) * 1000
    try:
        made = datetime(year, month, day, hour, minute, second, fraction, tzinfo=_offset(match[8]) or zone)
        return None if made.tzinfo is None else made.astimezone(timezone.utc)
    except (ValueError, OverflowError):
        return None


def is_long(value: int) -> bool:
    """Whether MongoDB's integers hold a number."""
    return -_LONG <= value < _LONG


def _offset(text: str | None) -> timezone | None:
    if text is None:
        return None
    if text in "Zz":
        return timezone.utc
    digits = text[1:].replace(":", "").ljust(4, "0")
    size = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return timezone(-size if text[0] == "-" else size)


def _integer(text: str, _zone: ZoneInfo | None) -> Any:
    if _INTEGER.fullmatch(text.strip()) is None:
        return text
    value = int(text.partition(".")[0])
    return value if is_long(value) else text


def _number(text: str, _zone: ZoneInfo | None) -> Any:
    if _NUMBER.fullmatch(text.strip()) is None:
        return text
    value = float(text)
    return value if abs(value) != float("inf") else text


def _decimal(text: str, _zone: ZoneInfo | None) -> Any:
    if _NUMBER.fullmatch(text.strip()) is None:
        return text
    return decimal(Decimal(text.strip())) or text


def _boolean(text: str, _zone: ZoneInfo | None) -> Any:
    return _FLAGS.get(text.strip().lower(), text)


def _date(text: str, zone: ZoneInfo | None) -> Any:
    return instant(text, zone) or text


def _object_id(text: str, _zone: ZoneInfo | None) -> Any:
    return ObjectId(text.strip()) if _ID.fullmatch(text.strip()) else text


_CONVERSIONS: dict[str, Callable[[str, ZoneInfo | None], Any]] = {
    "integer": _integer,
    "number": _number,
    "decimal": _decimal,
    "boolean": _boolean,
    "date": _date,
    "object_id": _object_id,
}

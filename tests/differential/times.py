"""Instants as documents store them: random stored values of each form, and what each value means."""

from __future__ import annotations

import math
import random
import re
from datetime import datetime, timedelta, timezone
from typing import Any

from bson import Decimal128, Int64, ObjectId, Regex, Timestamp

KINDS = ("date", "iso", "epoch_s", "epoch_ms", "object_id")

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_TICK = timedelta(milliseconds=1)
_AT = datetime(2024, 3, 31, 12, tzinfo=timezone.utc)

#: What has no instant in any form.
_NEVER: tuple[Any, ...] = (None, [], {}, Timestamp(1711800000, 1), Regex("^2024"), True)

#: What has none in one form, though it looks like one.
_NOT: dict[str, tuple[Any, ...]] = {
    "date": ("2024-03-31", [_AT], 1711800000, 1711800000.0, ObjectId("660a00000000000000000000")),
    "iso": (
        "2024-03-31",
        "2024-03-31T10:00:00",
        "2024-03-31T10:00Z",
        "2024-02-30T10:00:00Z",
        "2023-02-29T10:00:00Z",
        "1900-02-29T10:00:00Z",
        "2024-04-31T10:00:00Z",
        "2024-03-31T24:00:00Z",
        "2024-03-31T10:60:00Z",
        "2024-03-31T10:00:00Z\n",
        " 2024-03-31T10:00:00Z",
        "2024-03-31T10:00:00.Z",
        "2024-03-31T10:00:00+8:00",
        "2024-13-01T10:00:00Z",
        "0000-03-31T10:00:00Z",
        "31.03.2024",
        "",
        ["2024-03-31T10:00:00Z"],
        _AT,
        1711800000,
    ),
    "epoch_s": (
        "1711800000",
        1711800000000,
        float("nan"),
        float("inf"),
        Decimal128("NaN"),
        -float("inf"),
        _AT,
        [1711800000],
    ),
    "epoch_ms": ("1711800000000", float("nan"), 1e18, Decimal128("-Infinity"), _AT, [1711800000000]),
    "object_id": ("660a00000000000000000000", ObjectId("f" * 24), _AT, 1711800000),
}


def stored(rng: random.Random, at: datetime, kind: str, number: int) -> Any:
    """A value that says the instant in a form; in an object id to the second, ``number`` makes it unique."""
    ticks = (at - _EPOCH) // _TICK
    if kind == "iso":
        return _text(rng, at)
    if kind == "epoch_ms":
        exact = [ticks, Int64(ticks), float(ticks), Decimal128(str(ticks))]
        return rng.choice([*exact, ticks + rng.choice([0.25, 0.5])])
    if kind == "epoch_s":
        if ticks % 1000:
            return rng.choice([ticks / 1000, Decimal128(f"{ticks}E-3")])
        return rng.choice([ticks // 1000, Int64(ticks // 1000), ticks / 1000, Decimal128(str(ticks // 1000))])
    if kind == "object_id":
        return ObjectId(f"{ticks // 1000:08x}{number:016x}")
    return at


def _text(rng: random.Random, at: datetime) -> str:
    name, minutes = rng.choice(
        [("Z", 0), ("Z", 0), ("+00:00", 0), ("+08:00", 480), ("-0330", -210), ("+05", 300), ("+13:45", 825)]
    )
    local = at + timedelta(minutes=minutes)
    parts = rng.choice(["", ".0", ".00", ".000", ".0000000", ".000000999"])
    if local.microsecond:
        parts = f".{local.microsecond // 1000:03}{rng.choice(['', '', '9', '999', '999999'])}"
    return local.strftime(f"%Y-%m-%d{rng.choice('TTT ')}%H:%M:%S") + parts + name


def junk(rng: random.Random, kind: str) -> Any:
    """A value that has no instant in a form."""
    return rng.choice(rng.choice([_NEVER, _NOT[kind]]))


def instant(given: Any, kind: str) -> datetime | None:
    """The instant of a stored value, to the millisecond; ``None``: it has none."""
    if kind == "date":
        return given if isinstance(given, datetime) else None
    if kind == "iso":
        return _parsed(given) if isinstance(given, str) else None
    if kind == "object_id":
        fits = isinstance(given, ObjectId) and given.generation_time.year < 2038
        return given.generation_time if fits else None
    if isinstance(given, Decimal128):
        given = given.to_decimal()
    elif isinstance(given, bool) or not isinstance(given, (int, float)):
        return None
    if not math.isfinite(given):
        return None
    scaled = given * 1000 if kind == "epoch_s" else given  # a double's product is rounded, as on the server
    ticks = math.floor(scaled)
    try:
        return _EPOCH + ticks * _TICK
    except OverflowError:
        return None


_ISO = r"(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d):(\d\d)(\.\d{1,9})?(Z|([+-])(\d\d):?(\d\d)?)"


def _parsed(text: str) -> datetime | None:
    found = re.fullmatch(_ISO, text, re.ASCII)
    if found is None or found[8].endswith(":"):
        return None
    year, month, day, hour, minute, second = (int(found[at]) for at in range(1, 7))
    try:
        local = datetime(year, month, day, hour, minute, second, tzinfo=timezone.utc)
    except ValueError:
        return None
    offset = timedelta(hours=int(found[10] or 0), minutes=int(found[11] or 0))
    fraction = _TICK * int(f"{found[7] or '.'}000"[1:4])
    return local + fraction - (offset if found[9] == "+" else -offset)

"""Random documents, all of one shape; values are absent, null, mistyped or on a boundary at times."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import date, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

from bson import Binary, Decimal128, Int64, ObjectId, Regex, Timestamp

from tests.differential import times

Document = dict[str, Any]

#: The fields of every random document and their types, in the words of a spec.
FIELDS = {
    "n": "integer",
    "qty": "integer",
    "x": "number",
    "score": "number",
    "price": "decimal",
    "fee": "decimal",
    "status": "string",
    "geo.country": "string",
    "geo.city.name": "string",
    "ok": "boolean",
    "seen": "date",
    "ref": "object_id",
    "tags": "array",
}

#: (zone, a day on which or beside which its clock changes); the last is a quiet one at a year's turn.
PLACES = (
    ("Europe/London", date(2024, 3, 31)),
    ("Europe/London", date(2024, 10, 27)),
    ("America/New_York", date(2024, 3, 10)),
    ("America/New_York", date(2024, 11, 3)),
    ("Australia/Lord_Howe", date(2024, 4, 7)),
    ("Australia/Lord_Howe", date(2024, 10, 6)),
    ("America/Sao_Paulo", date(2018, 11, 4)),
    ("Asia/Kathmandu", date(2024, 2, 29)),
    ("Asia/Shanghai", date(2023, 12, 31)),
)

REFS = tuple(ObjectId(f"65f0000000000000000000{one:02x}") for one in (1, 2, 0xFE))

#: A value of every BSON type that no field of a given type takes; each is tried where it does not fit.
_STRANGE: tuple[Any, ...] = (
    "7",
    "true",
    7,
    Int64(2**40),
    2.5,
    float("nan"),
    float("inf"),
    float("-inf"),
    Decimal128("1.5"),
    Decimal128("NaN"),
    Decimal128("Infinity"),
    True,
    datetime(2024, 3, 31, 12, tzinfo=timezone.utc),
    ObjectId("65f0000000000000000000aa"),
    Binary(b"\x01\x02"),
    Regex("^a", "i"),
    Timestamp(1711800000, 1),
    {},
    {"a": 1},
    [],
    [3],
    [None],
    ["a", "b"],
)

#: Stands for a field that is not there at all.
ABSENT = object()

_TYPED: dict[str, tuple[Callable[[random.Random], Any], ...]] = {
    "integer": (
        lambda rng: rng.randint(-3, 9),
        lambda rng: Int64(rng.randint(-3, 9)),
        lambda rng: float(rng.randint(-3, 9)),
        lambda rng: rng.choice([0, Int64(0), -0.0, Int64(2**40), -(2.0**40), 2**31 - 1]),
    ),
    "number": (
        lambda rng: round(rng.uniform(-5, 10), 3),
        lambda rng: rng.choice([0.0, -0.0, 0.1, 2.5, 2.5, 1e-7, 12345.678]),
        lambda rng: rng.randint(-2, 6),
        lambda rng: Int64(rng.randint(-2, 6)),
        lambda rng: Decimal128(f"{rng.randint(-40, 90) / 10}"),
    ),
    "decimal": (
        lambda rng: Decimal128(f"{rng.randint(-999, 99999) / 100:.2f}"),
        lambda rng: Decimal128(
            rng.choice(["0", "0.00", "0.05", "0.050", "10.5", "1E+2", "-3.1000", "7.0001"])
        ),
        lambda rng: rng.randint(-3, 200),
        lambda rng: Int64(rng.randint(-3, 200)),
    ),
    "string": (lambda rng: rng.choice(["a", "b", "A", "ab", "", "a|b", "\\N", "c\\p|", "ü", "$a", "7"]),),
    "boolean": (lambda rng: rng.random() < 0.6,),
    "object_id": (lambda rng: rng.choice(REFS),),
    "array": (
        lambda rng: [rng.randint(1, 4) for _ in range(rng.randint(0, 4))],
        lambda rng: rng.choice([[], [2], [Int64(2), 2.0], [1, 2, 3]]),
    ),
}


def instant(rng: random.Random, tz: str, day: date) -> datetime:
    """An instant near ``day``: often on, or just beside, a local midnight or a change of the clock."""
    at = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(tz)).astimezone(timezone.utc)
    kind = rng.random()
    if kind < 0.15:  # a local midnight, to the millisecond
        other = day + timedelta(days=rng.randint(-1, 4))
        at = datetime(other.year, other.month, other.day, tzinfo=ZoneInfo(tz)).astimezone(timezone.utc)
        return at + timedelta(milliseconds=rng.choice([-1, 0, 0, 1]))
    if kind < 0.4:  # the small hours, in which clocks change
        return at + timedelta(
            minutes=rng.choice([15, 30]) * rng.randint(-4, 12), milliseconds=rng.choice([-1, 0, 1])
        )
    if kind < 0.45:  # far away: other weeks, months and years
        return at + timedelta(days=rng.choice([-400, -45, -20, 12, 33, 250]), seconds=rng.randint(0, 86400))
    return at + timedelta(milliseconds=rng.randint(-86_400_000, 4 * 86_400_000))


def value(rng: random.Random, type_: str, tz: str, day: date) -> Any:
    """A value for a field of ``type_``: mostly right, else absent, null or of another type."""
    kind = rng.random()
    if kind < 0.08:
        return ABSENT
    if kind < 0.15:
        return None
    if kind < 0.24:
        return rng.choice(_STRANGE)
    if type_ == "date":
        return instant(rng, tz, day)
    return rng.choice(_TYPED[type_])(rng)


def document(seed: int, number: int, tz: str, day: date, time: str = "at", kind: str = "date") -> Document:
    """The ``number``-th document of a seed: the same whatever the others are, so that cases shrink."""
    rng = random.Random(f"{seed}:{number}")
    made: Document = {"_id": number}
    untimed = rng.random()
    at: Any = times.stored(rng, instant(rng, tz, day), kind, number)
    if untimed < 0.08 and time != "_id":
        at = rng.choice([ABSENT, times.junk(rng, kind)])
    put(made, time, at)
    for path, type_ in FIELDS.items():
        put(made, path, value(rng, type_, tz, day))
    odd = rng.random()
    if odd < 0.03:
        made["geo"] = rng.choice([None, "a", 3, [], [{"country": "a"}], [{"city": {"name": "b"}}, 4]])
    elif odd < 0.05:
        made.pop("geo", None)
    elif odd < 0.07 and isinstance(made.get("geo"), dict):
        made["geo"]["city"] = rng.choice([None, 5, [{"name": "a"}], [[{"name": "a"}]], []])
    elif odd < 0.09 and "." in time:
        one = {} if at is ABSENT else {time.split(".")[1]: at}
        made[time.split(".", maxsplit=1)[0]] = rng.choice([[one], [], None, 4])
    return made


def put(into: Document, path: str, given: Any) -> None:
    """Set a value at a dotted path; an absent one leaves no trace but its parents."""
    *parents, last = path.split(".")
    for one in parents:
        into = into.setdefault(one, {})
    if given is not ABSENT:
        into[last] = given

"""Documents of every BSON type, what SQL sees of them, and expressions on a server and in DuckDB."""

from __future__ import annotations

import math
import random
import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from typing import Any

import duckdb
from bson import Binary, Code, MaxKey, MinKey, ObjectId, Regex, Timestamp
from bson.decimal128 import Decimal128
from bson.int64 import Int64
from pymongo.collection import Collection

from dashpipe import expr
from dashpipe.expr import FieldType, Scope

F = FieldType
MOST = 1.7976931348623157e308

#: The fields of a document, and their types.
FIELDS: dict[str, FieldType | None] = {
    "i1": F.INTEGER,
    "i2": F.INTEGER,
    "n1": F.NUMBER,
    "n2": F.NUMBER,
    "d1": F.DECIMAL,
    "d2": F.DECIMAL,
    "t1": F.STRING,
    "t2": F.STRING,
    "b1": F.BOOLEAN,
    "b2": F.BOOLEAN,
    "w1": F.DATE,
    "w2": F.DATE,
    "a1": F.ARRAY,
}

COLUMNS = {
    F.INTEGER: "BIGINT",
    F.NUMBER: "DOUBLE",
    F.DECIMAL: "DECIMAL(12, 3)",
    F.STRING: "VARCHAR",
    F.BOOLEAN: "BOOLEAN",
    F.DATE: "TIMESTAMPTZ",
    F.ARRAY: "VARCHAR[]",
}

#: One value of every BSON type, and the edges of the numeric ones.
EVERY: list[Any] = [
    None,
    0,
    -0.0,
    1,
    5,
    60,
    Int64(60),
    60.0,
    60.5,
    Decimal128("60"),
    Decimal128("60.00"),
    Decimal128("60.5"),
    Decimal128("59.99999999999999999999999"),
    Decimal128("60.00000000000000000000001"),
    0.05,
    Decimal128("0.05"),
    Decimal128("0.050000000000000002"),
    0.1 + 0.2,
    Int64(2**53),
    Int64(2**53 + 1),
    Int64(2**53 + 2),
    2.0**53,
    Decimal128("9007199254740993"),
    Int64(2**63 - 1),
    Int64(-(2**63)),
    2.0**63,
    -(2.0**63),
    2.0**62,
    Decimal128("9223372036854775807"),
    Decimal128("1E+400"),
    Decimal128("-1E+400"),
    MOST,
    -MOST,
    5e-324,
    math.nan,
    math.inf,
    -math.inf,
    Decimal128("NaN"),
    Decimal128("Infinity"),
    Decimal128("-Infinity"),
    "",
    "60",
    "a",
    "abc",
    "ABC",
    "ab\n",
    "a%c",
    "Ünï",
    "$a",
    "true",
    True,
    False,
    datetime(2024, 1, 1, tzinfo=timezone.utc),
    datetime(1969, 12, 31, 23, 59, 59, 999000, tzinfo=timezone.utc),
    Timestamp(1704067200, 1),
    ObjectId("65f0c0ffee65f0c0ffee65f0"),
    [],
    [60],
    [10, 70],
    ["abc"],
    [None],
    [True],
    [[60]],
    [datetime(2024, 1, 1, tzinfo=timezone.utc)],
    {},
    {"x": 60},
    {"a": "abc"},
    Binary(b"abc"),
    Binary.from_uuid(uuid.UUID(int=7)),
    Regex("^a"),
    Code("1"),
    MinKey(),
    MaxKey(),
]


def abs_(value: Any) -> Fraction:
    """A number's exact size."""
    return abs(Fraction(value))


def seen(value: Any, type_: FieldType | None) -> Any:
    """What SQL sees of a stored value: the value in its field's type, or NULL where it is mistyped."""
    number = not isinstance(value, bool) and isinstance(value, (int, float, Decimal128))
    exact = value.to_decimal() if isinstance(value, Decimal128) else value
    finite = number and not (
        exact.is_nan() or exact.is_infinite() if isinstance(exact, Decimal) else not math.isfinite(exact)
    )
    if type_ is F.INTEGER:
        whole = (
            finite and not isinstance(exact, Decimal) and exact == int(exact) and -(2**63) <= exact < 2**63
        )
        return int(exact) if whole else None
    if type_ is F.NUMBER:
        return float(exact) if finite and abs_(exact) <= Fraction(MOST) else None
    if type_ is F.DECIMAL:
        return Decimal(exact) if finite and not isinstance(exact, float) else None
    kinds = {F.STRING: str, F.BOOLEAN: bool, F.DATE: datetime, F.ARRAY: list, F.OBJECT_ID: ObjectId}
    wanted = kinds.get(type_) if type_ else None
    return value if wanted is not None and isinstance(value, wanted) and not isinstance(value, Code) else None


def _utc(*parts: int) -> datetime:
    year, month, day, hour, minute = (*parts, 0, 0)[:5]
    return datetime(year, month, day, hour, minute, tzinfo=timezone.utc)


_AROUND = [
    _utc(2024, 3, 10, 7),  # New York and London change their clocks, Lord Howe by half an hour
    _utc(2024, 11, 3, 6),
    _utc(2024, 3, 31, 1),
    _utc(2024, 10, 27, 1),
    _utc(2024, 4, 6, 15),
    _utc(2024, 10, 5, 15, 30),
    _utc(2018, 11, 4, 3),  # São Paulo skips midnight
    _utc(2024, 1, 1),
    _utc(2020, 12, 31, 18, 15),
]


def moment(random_: random.Random) -> datetime:
    """A date, often near a clock change or the turn of a year."""
    if random_.random() < 0.5:
        base = random_.choice(_AROUND) + timedelta(minutes=random_.randint(-1500, 1500))
    else:
        base = _utc(2001, 1, 1) + timedelta(minutes=random_.randint(0, 15_000_000))
    return base + timedelta(milliseconds=random_.choice([0, 0, 1, 999, 30_500]))


def proper(random_: random.Random, type_: FieldType | None) -> Any:
    """A value that a field of the type takes, in one of the forms in which it may be stored."""
    r = random_
    if type_ is F.INTEGER:
        whole = r.choice([0, 1, -1, 2, 7, 60, r.randint(-1000, 1000), r.randint(-(10**6), 10**6)])
        return r.choice([whole, Int64(whole), float(whole)])
    if type_ is F.NUMBER:
        number = r.choice(
            [0.0, 0.5, -0.5, 1.5, 2.5, -2.5, 0.05, 60.0, r.uniform(-100, 100), float(r.randint(-50, 50))]
        )
        forms = [number, number, Decimal128(str(number))]
        return r.choice([*forms, int(number), Int64(int(number))])
    if type_ is F.DECIMAL:
        number = Decimal(r.randint(-99_999, 99_999)) / 1000
        return r.choice(
            [
                Decimal128(number),
                Decimal128(number.normalize()),
                r.randint(-99, 99),
                Int64(r.randint(-99, 99)),
            ]
        )
    if type_ is F.STRING:
        return r.choice(
            [
                "",
                " ",
                "a",
                "abc",
                "ABC",
                "abcabc",
                " b c ",
                "a%b",
                "x_y",
                "Ünïcödé",
                "中文",
                "12",
                "-3.5",
                "t",
                "no",
            ]
        )
    if type_ is F.BOOLEAN:
        return r.random() < 0.5
    if type_ is F.DATE:
        return moment(r)
    return [r.choice(["a", "abc", "", None, "12"]) for _ in range(r.randint(0, 3))]


def documents(random_: random.Random, count: int) -> list[dict[str, Any]]:
    """Documents with NULLs, holes and mistyped values everywhere."""
    made = []
    for number in range(count):
        document: dict[str, Any] = {"_id": number}
        for name, type_ in FIELDS.items():
            chance = random_.random()
            if chance < 0.72:
                document[name] = proper(random_, type_)
            elif chance < 0.8:
                document[name] = None
            elif chance < 0.92:
                other = random_.choice(EVERY)
                # Small enough for DuckDB's columns, which the differential suite sums and multiplies; not so
                # small that a quotient is infinite: DuckDB rounds that to tens as 0 (the edges try such).
                view = seen(other, type_)
                huge = isinstance(view, (int, float, Decimal)) and abs(view) > 10**6
                tiny = isinstance(view, float) and 0 < abs(view) < 1e-6
                fine = isinstance(view, Decimal) and not huge and view != round(view, 3)
                document[name] = None if huge or tiny or fine or type_ is F.ARRAY else other
        made.append(document)
    return made


class World:
    """The same rows on a server and in DuckDB, read in one zone."""

    def __init__(self, collection: Collection[Any], rows: Sequence[dict[str, Any]], zone: str) -> None:
        self.collection = collection
        self.scope = Scope(fields=FIELDS, timezone=zone)
        self.duck = duckdb.connect()
        self.duck.execute("SET ieee_floating_point_ops = false")
        # Both take date_trunc of a NULL for no NULL, and then a comparison that is NULL for none (1.5.6).
        self.duck.execute("SET disabled_optimizers = 'statistics_propagation,expression_rewriter'")
        self.duck.execute(f"SET TimeZone = '{zone}'")
        columns = ", ".join(f"{name} {COLUMNS[type_]}" for name, type_ in FIELDS.items() if type_)
        self.duck.execute(f"CREATE TABLE rows (id INTEGER, {columns})")
        marks = ", ".join("make_timestamptz(?)" if type_ is F.DATE else "?" for type_ in FIELDS.values())
        for row in rows:
            values = [stored(seen(row.get(name), type_)) for name, type_ in FIELDS.items()]
            self.duck.execute(f"INSERT INTO rows VALUES ({row['_id']}, {marks})", values)

    def typed(self, text: str) -> expr.Typed:
        """An expression over the rows."""
        return expr.check(expr.parse(text), self.scope, None)

    def on_server(self, emitted: Iterable[Any]) -> list[list[Any]]:
        """The values of expressions, a row each, in the order of ids."""
        stage = {"$project": {"r": [encode(one) for one in emitted]}}
        found = self.collection.aggregate([{"$sort": {"_id": 1}}, stage])
        return [[decode(one) for one in row["r"]] for row in found]

    def in_duck(self, texts: Sequence[tuple[str, FieldType | None]]) -> list[list[Any]]:
        """The values of expressions in DuckDB, a row each, in the order of ids."""
        chosen = ", ".join(f"epoch_ms({text})" if type_ is F.DATE else text for text, type_ in texts)
        return [list(row) for row in self.duck.execute(f"SELECT {chosen} FROM rows ORDER BY id").fetchall()]


def stored(value: Any) -> Any:
    """What SQL sees as a parameter for DuckDB; dates are microseconds."""
    if isinstance(value, datetime):
        return (value - datetime(1970, 1, 1, tzinfo=timezone.utc)) // timedelta(microseconds=1)
    if isinstance(value, list):
        return [one if isinstance(one, str) else None for one in value]
    if isinstance(value, Decimal):
        return Decimal(f"{value:f}")  # DuckDB's client reads 6E+1 as 6 (1.5.6)
    return value


def encode(value: Any) -> Any:
    """An emitted expression as the driver takes it."""
    if isinstance(value, Decimal):
        return Decimal128(value)
    if isinstance(value, dict):
        return {key: encode(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [encode(one) for one in value]
    return value


def decode(value: Any) -> Any:
    """A value from the server as DuckDB gives it."""
    if isinstance(value, Decimal128):
        return value.to_decimal()
    if isinstance(value, datetime):
        return (value - datetime(1970, 1, 1, tzinfo=timezone.utc)) // timedelta(milliseconds=1)
    return value


def same(ours: Any, theirs: Any) -> bool:
    """Whether both are the same value: exactly, but for doubles, which may differ by 1e-9."""
    if ours is None or theirs is None:
        return ours is None and theirs is None
    if isinstance(ours, bool) or isinstance(theirs, bool):
        return ours is theirs
    if isinstance(ours, float) or isinstance(theirs, float):
        one, two = float(ours), float(theirs)
        return math.isclose(one, two, rel_tol=1e-9, abs_tol=1e-9) or (math.isnan(one) and math.isnan(two))
    return bool(ours == theirs)

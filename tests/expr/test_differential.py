"""Random expressions over random rows give what DuckDB gives."""

from __future__ import annotations

import os
import random
from collections.abc import Sequence
from typing import Any

import duckdb
import pytest
from bson.decimal128 import Decimal128
from pymongo.database import Database
from pymongo.errors import PyMongoError

from dashpipe import expr
from dashpipe.expr import FieldType
from tests.conftest import PROFILE
from tests.expr.generate import Both, Generator
from tests.expr.world import World, documents, encode, same

pytestmark = pytest.mark.differential

ZONES = ["America/New_York", "Europe/London", "Asia/Kathmandu", "Australia/Lord_Howe", "Asia/Shanghai"]
#: Rows, and expressions a zone: 20 × 12 × 5 = 1,200 cases in the quick profile, 60 × 80 × 5 = 24,000 in CI.
ROWS, EXPRESSIONS = (60, 80) if PROFILE != "quick" else (20, 12)
#: How many expressions one round trip evaluates.
BATCH = 20


@pytest.mark.parametrize("zone", ZONES)
def test_expressions_mean_what_duckdb_means(database: Database[dict[str, Any]], zone: str) -> None:
    """Every value is DuckDB's; conditions and pushed filters hold exactly where it has TRUE."""
    seed = os.environ.get("DASHPIPE_SEED", "0")
    random_ = random.Random(f"{seed} {zone}")
    rows = documents(random_, ROWS)
    database.rows.insert_many(rows)
    world = World(database.rows, rows, zone)
    generator = Generator(random_)
    cases = 0
    for _ in range(EXPRESSIONS // BATCH + 1):
        drawn = [generator.any() for _ in range(min(BATCH, EXPRESSIONS))]
        cases += _compared(world, drawn, rows)
    assert cases >= ROWS * EXPRESSIONS * 0.9


def _compared(world: World, drawn: Sequence[tuple[Both, FieldType]], rows: Sequence[dict[str, Any]]) -> int:
    typed = [world.typed(mine) for (mine, _), _ in drawn]
    texts = [(theirs, one.type) for ((_, theirs), _), one in zip(drawn, typed)]
    try:
        wanted = world.in_duck(texts)
        found = world.on_server(expr.to_agg(one) for one in typed)
    except (duckdb.Error, PyMongoError):
        if len(drawn) == 1:
            return _fails(world, texts[0], typed[0])
        return sum(_compared(world, [one], rows) for one in drawn)
    for at, ((mine, _), _) in enumerate(drawn):
        for row, ours, theirs in zip(rows, found, wanted):
            assert same(ours[at], theirs[at]), (mine, ours[at], theirs[at], row)
        if typed[at].type is FieldType.BOOLEAN:
            _filtered(
                world, mine, typed[at], {row["_id"] for row, one in zip(rows, wanted) if one[at] is True}
            )
    return len(drawn) * len(rows)


def _fails(world: World, text: tuple[str, FieldType | None], typed: expr.Typed) -> int:
    """An expression that fails in DuckDB fails the run too, and the other way round."""
    with pytest.raises(duckdb.Error):
        world.in_duck([text])
    with pytest.raises(PyMongoError):
        world.on_server([expr.to_agg(typed)])
    return 1


def _filtered(world: World, text: str, typed: expr.Typed, wanted: set[int]) -> None:
    test = encode(expr.to_condition(typed))
    assert {row["_id"] for row in world.collection.find({"$expr": test}, {"_id": 1})} == wanted, text
    pushed = expr.to_query(typed)
    rest = {} if pushed.residual is None else {"$expr": expr.to_condition(pushed.residual)}
    query = encode({"$and": [pushed.query, rest]})
    assert {row["_id"] for row in world.collection.find(query, {"_id": 1})} == wanted, (text, pushed)


#: What DuckDB and the server must agree on though random values seldom meet it: expression, type-fixing rows.
EDGES = [
    "round(n1)",
    "round(n1, 2)",
    "round(n1, -1)",
    "CAST(n1 AS BIGINT)",
    "CAST(d1 AS BIGINT)",
    "round(d1)",
    "round(d1, 1)",
    "TRY_CAST(n1 AS DECIMAL(12, 2))",
    "round(i1, -1)",
    "i1 % 3",
    "n1 % 0.3e0",
    "i1 / 7",
    "i1 / 0",
    "i1 % 0",
    "n1 / 0",
    "n1 / (n1 - n1)",
    "2.5e0 / n1",
    "round(2.5e0 / n1, 1)",
    "sign(-1e0 / n1)",
    "floor(n1)",
    "ceil(n1)",
    "sign(n1)",
    "TRY_CAST(t1 AS BIGINT)",
    "TRY_CAST(t1 AS DOUBLE)",
    "TRY_CAST(t1 AS BOOLEAN)",
    "TRY_CAST(t1 AS INTEGER)",
    "TRY_CAST(i1 AS INTEGER)",
    "trim(t1)",
    "t1 LIKE 'ab_'",
    "t1 LIKE 'ab'",
    "t1 LIKE '%'",
]
VALUES: dict[str, list[Any]] = {
    "n1": [
        0.5,
        1.5,
        2.5,
        -0.5,
        -2.5,
        0.49999999999999994,
        4503599627370497.5,
        1.005,
        2.675,
        25.0,
        -25.0,
        15.0,
        1e15,
        0.125,
        -0.125,
        5e-324,
        -5e-324,
        1e-6,
    ],
    "d1": ["0.5", "1.5", "2.5", "-0.5", "-2.5", "0.05", "-0.05", "0.25", "1.005"],
    "i1": [15, -15, 14, 2**31 - 1, 2**31, -(2**31) - 1, 2**53 + 1, -7],
    "t1": [
        "1.5",
        "2.5",
        "-2.5",
        "1e3",
        "1e-1",
        " 12 ",
        "+5",
        "5.",
        ".5",
        "1_000",
        "abc",
        "",
        ".",
        "-",
        "1.5.2",
        "t",
        "T",
        "yes",
        "no",
        "1",
        " true",
        "ab\n",
        "abc",
        "ab\n\n",
        "ab",
        "\t x \u00a0",
        "9223372036854775807",
        "9223372036854775808",
        "2147483648",
        "12\n",
    ],
}


def test_edges_of_rounding_and_conversion(database: Database[dict[str, Any]]) -> None:
    """Halves, signs, text that is nearly a number, and the ends of 32 and 64 bits are DuckDB's."""
    rows: list[dict[str, Any]] = []
    for name, values in VALUES.items():
        rows += [
            {"_id": len(rows) + at, name: Decimal128(one) if name == "d1" else one}
            for at, one in enumerate(values)
        ]
    database.rows.insert_many(rows)
    world = World(database.rows, rows, "UTC")
    for text in EDGES:
        typed = world.typed(text)
        found, wanted = world.on_server([expr.to_agg(typed)]), world.in_duck([(text, typed.type)])
        for row, ours, theirs in zip(rows, found, wanted):
            assert same(ours[0], theirs[0]), (text, row, ours[0], theirs[0])


@pytest.mark.parametrize(
    "text",
    [
        "i1 + i2",
        "i1 - (-i2)",
        "i1 * i2",
        "-(-i1 - i2)",
        "abs(-i1 - 1)",
        "CAST(t1 AS BIGINT)",
        "CAST(t1 AS BOOLEAN)",
        "CAST(t1 AS DOUBLE)",
        "sqrt(-n1)",
        "ln(n1 - n1)",
        "CAST(n1 * 1e18 AS BIGINT)",
        "CAST(i1 AS INTEGER)",
        "CAST(n1 AS DECIMAL(3, 2))",
        "-i1 - i2 - 1",
    ],
)
def test_what_has_no_value_fails(database: Database[dict[str, Any]], text: str) -> None:
    """A whole number beyond 64 bits is no double, what does not convert is not NULL: both fail."""
    rows = [{"_id": 1, "i1": 2**63 - 1, "i2": 2**63 - 1, "t1": "abc", "n1": 100.5}]
    database.rows.insert_many(rows)
    world = World(database.rows, rows, "UTC")
    _fails(world, (text, None), world.typed(text))

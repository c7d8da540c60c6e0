"""A filter in query form, the same condition as an expression, and DuckDB agree over every BSON type."""

from __future__ import annotations

import math
import os
import random
from collections.abc import Iterator
from decimal import Decimal, localcontext
from typing import Any

import duckdb
import pytest
from pymongo.database import Database

from dashpipe import expr
from dashpipe.expr import FieldType, Scope
from dashpipe.expr.emit.doubles import bounds
from tests.conftest import PROFILE
from tests.expr.world import EVERY, MOST, encode, seen, stored

F = FieldType
OPERATORS = ["=", "<>", "<", "<=", ">", ">="]

#: Literals of each type; a point literal beside a double gets its exponent for DuckDB below.
LITERALS = {
    F.INTEGER: [
        "0",
        "60",
        "-60",
        "60.5e0",
        "9007199254740993",
        "9223372036854775807",
        "-9223372036854775807",
    ],
    F.NUMBER: [
        "0",
        "60",
        "60.5",
        "0.05",
        "9007199254740992",
        "9007199254740993",
        "9007199254740994e0",
        "1e308",
        "5e-324",
        "0.3",
    ],
    F.DECIMAL: ["0", "60", "60.5", "0.05", "0.050000000000000002", "9007199254740993", "9223372036854775807"],
    F.STRING: ["''", "'60'", "'a'", "'abc'", "'$a'", "'Ünï'"],
    F.BOOLEAN: ["TRUE", "FALSE"],
    F.DATE: ["DATE '2024-01-01'", "TIMESTAMPTZ '1969-12-31 23:59:59.999Z'", "'2024-01-01 00:00:00Z'"],
}
PATTERNS = ["a%", "%c", "%b%", "abc", "a_c", "%", "", "_", "ab_", "a!%%", "%a%b%", "60", "$%", "Ü__"]
COLUMNS = {
    F.INTEGER: "BIGINT",
    F.NUMBER: "DOUBLE",
    F.DECIMAL: "DECIMAL(38, 18)",
    F.STRING: "VARCHAR",
    F.BOOLEAN: "BOOLEAN",
    F.DATE: "TIMESTAMPTZ",
}


def conditions(type_: FieldType, path: str) -> Iterator[str]:
    """Every form of condition that query form can say, over one field."""
    literals = LITERALS[type_]
    for operator in OPERATORS:
        for literal in literals:
            yield f"{path} {operator} {literal}"
            yield f"{literal} {operator} {path}"
            yield f"NOT ({path} {operator} {literal})"
    for negated in ("", "NOT "):
        yield f"{path} IS {negated}NULL"
        yield f"{path} {negated}IN ({', '.join(literals)})"
        yield f"{path} {negated}IN ({literals[0]})"
        yield f"{path} {negated}IN ({literals[1]}, NULL)"
        yield f"{path} {negated}BETWEEN {literals[0]} AND {literals[1]}"
        yield f"{negated}({path} > {literals[0]} AND {path} < {literals[1]})"
        yield f"{negated}({path} = {literals[0]} OR {path} IS NULL OR {path} = {literals[1]})"
        yield f"{path} IS {negated}DISTINCT FROM {literals[0]}"
    if type_ is F.STRING:
        for pattern in PATTERNS:
            escape = " ESCAPE '!'" if "!" in pattern else ""
            yield f"{path} LIKE '{pattern}'{escape}"
            yield f"{path} NOT LIKE '{pattern}'{escape}"
        yield f"starts_with({path}, 'a') AND length({path}) > 1"
        yield f"starts_with({path}, 'a') OR {path} = '60'"
    if type_ is F.BOOLEAN:
        yield from (path, f"NOT {path}", f"{path} AND {path} IS NOT NULL", f"{path} OR NOT {path}")


def in_duckdb(text: str, type_: FieldType, path: str) -> str:
    """The condition as DuckDB reads it."""
    text = text.replace(path, "x")
    if type_ is F.NUMBER:
        for literal in ("60.5", "0.05", "0.3"):
            text = text.replace(literal, f"{literal}e0")
    return text


@pytest.mark.parametrize("path", ["x", "s.x", "s.t.x"] if PROFILE != "quick" else ["s.x"])
@pytest.mark.parametrize("type_", list(LITERALS))
def test_a_pushed_filter_is_the_condition(
    database: Database[dict[str, Any]], type_: FieldType, path: str
) -> None:
    """Query and residual, the expression, and DuckDB pick the same of all documents; no condition is null."""
    scope = Scope(fields={path: type_}, timezone="UTC")
    values = [one for one in EVERY if type_ is not F.DECIMAL or _narrow(seen(one, type_))]
    documents = [{"_id": at, **_nested(path, one)} for at, one in enumerate(values)]
    views = [seen(one, type_) for one in values]
    for extra in _odd(path):
        documents.append({"_id": len(documents), **extra})
        views.append(None)
    database.rows.insert_many(documents)
    duck = duckdb.connect()
    duck.execute("SET TimeZone = 'UTC'")
    duck.execute(f"CREATE TABLE rows (id INTEGER, x {COLUMNS[type_]})")
    mark = "make_timestamptz(?)" if type_ is F.DATE else "?"
    duck.executemany(
        f"INSERT INTO rows VALUES (?, {mark})", [[at, stored(one)] for at, one in enumerate(views)]
    )

    texts = list(conditions(type_, path))
    if PROFILE == "quick":
        texts = random.Random(os.environ.get("DASHPIPE_SEED", "0")).sample(texts, min(40, len(texts)))
    typed = [expr.check(expr.parse(text), scope, F.BOOLEAN) for text in texts]
    stage = {"$project": {"r": [encode(expr.to_condition(one)) for one in typed]}}
    found = {row["_id"]: row["r"] for row in database.rows.aggregate([stage])}
    for at, (text, one) in enumerate(zip(texts, typed)):
        selected = duck.execute(f"SELECT id FROM rows WHERE {in_duckdb(text, type_, path)}").fetchall()
        wanted = {row[0] for row in selected}
        assert {row[at] for row in found.values()} <= {True, False}, text
        assert {key for key, row in found.items() if row[at]} == wanted, text
        pushed = expr.to_query(one)
        rest = {} if pushed.residual is None else {"$expr": expr.to_condition(pushed.residual)}
        query = encode({"$and": [pushed.query, rest]})
        assert {row["_id"] for row in database.rows.find(query, {"_id": 1})} == wanted, (text, pushed)


def _narrow(view: Any) -> bool:
    return view is None or (abs(view) < 10**20 and view.as_tuple().exponent >= -18)


def _nested(path: str, value: Any) -> dict[str, Any]:
    made = value
    for name in reversed(path.split(".")):
        made = {name: made}
    return dict(made)


def _odd(path: str) -> list[dict[str, Any]]:
    """Documents that have no value at a path, or have arrays on the way to it."""
    odd: list[dict[str, Any]] = [{}]
    if "." in path:
        first, rest = path.split(".", 1)
        odd += [{first: None}, {first: 5}, {first: []}, {first: [None]}]
        for value in (60, "abc", True, None, 0.05):
            odd += [{first: [_nested(rest, value)]}, {first: [_nested(rest, value), 7, _nested(rest, 70)]}]
            if "." in rest:
                second, last = rest.split(".", 1)
                odd.append({first: {second: [_nested(last, value), {}]}})
    return odd


@pytest.mark.parametrize("type_", [*LITERALS, F.OBJECT_ID, F.ARRAY])
@pytest.mark.parametrize("path", ["x", "s.x"])
def test_mistyped_values_are_told(database: Database[dict[str, Any]], type_: FieldType, path: str) -> None:
    """``mistyped`` is true of just the values that are there and SQL does not see; its filter misses none."""
    documents = [{"_id": at, **_nested(path, one)} for at, one in enumerate(EVERY)]
    wanted = {at for at, one in enumerate(EVERY) if one is not None and seen(one, type_) is None}
    for extra in _odd(path):
        array = isinstance(extra.get("s"), list)
        if array:
            wanted.add(len(documents))
        documents.append({"_id": len(documents), **extra})
    database.rows.insert_many(documents)
    test = {"$expr": encode(expr.mistyped(path, type_))}
    exact = {row["_id"] for row in database.rows.find(test, {"_id": 1})}
    assert exact == wanted
    loose = {row["_id"] for row in database.rows.find(encode(expr.mistyped_query(path, type_)), {"_id": 1})}
    assert exact <= loose


def test_lists_that_contain_a_value(database: Database[dict[str, Any]]) -> None:
    """The index on an array's elements narrows, the expression decides: one element alone is no array."""
    scope = Scope(fields={"x": F.ARRAY})
    database.rows.insert_many([{"_id": at, "x": one} for at, one in enumerate(EVERY)])
    for text, value in (("'abc'", "abc"), ("60", 60), ("TRUE", True)):
        typed = expr.check(expr.parse(f"list_contains(x, {text})"), scope, F.BOOLEAN)
        pushed = expr.to_query(typed)
        assert pushed.query
        assert pushed.residual is not None
        query = {"$and": [pushed.query, {"$expr": expr.to_condition(pushed.residual)}]}
        wanted = {
            at
            for at, one in enumerate(EVERY)
            if isinstance(one, list) and any(type(v) is type(value) and v == value for v in one)
        }
        assert {row["_id"] for row in database.rows.find(query)} == wanted


def test_filters_that_are_served_whole() -> None:
    """Comparisons with constants leave nothing to an expression."""
    fields: dict[str, FieldType | None] = {
        "n": F.NUMBER,
        "t": F.STRING,
        "w": F.DATE,
        "b": F.BOOLEAN,
        "i": F.INTEGER,
    }
    scope = Scope(fields=fields)
    for text in (
        "t = 'a' AND n >= 60",
        "b",
        "NOT b AND w < DATE '2024-01-01'",
        "i IN (1, 2) OR t LIKE 'a%'",
        "n IS NOT NULL",
    ):
        pushed = expr.to_query(expr.check(expr.parse(text), scope, F.BOOLEAN))
        assert pushed.query, text
        assert pushed.residual is None, text


def test_what_is_left_of_a_filter() -> None:
    """Of a conjunction, only the part that query form cannot say is left."""
    scope = Scope(fields={"n": F.NUMBER, "w": F.DATE})
    pushed = expr.to_query(expr.check(expr.parse("n = 1 AND year(w) = 2024"), scope, F.BOOLEAN))
    assert "n" in str(pushed.query)
    assert pushed.residual == expr.check(expr.parse("year(w) = 2024"), scope, F.BOOLEAN)


@pytest.mark.parametrize(
    "value", [0.0, 60.0, 0.05, -0.3, 1.0, 2.0**53, 2.0**53 + 2, 5e-324, 1e308, MOST, -1e-5]
)
def test_bounds_of_a_double(value: float) -> None:
    """The decimals within the bounds are just those that Python reads as the double."""
    with localcontext() as context:
        context.prec = 60
        for bound, outward in zip(bounds(value), (-1, 1)):
            assert float(bound) == value
            beyond = bound + outward * Decimal(1).scaleb(bound.adjusted() - 33)
            assert math.isinf(bound) or abs(value) == MOST or float(beyond) != value

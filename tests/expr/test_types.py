"""The types of fields and expressions: declared, inferred, and in conflict."""

from __future__ import annotations

from datetime import datetime, timezone
from decimal import Decimal
from typing import Any

import pytest
from pymongo.database import Database

from dashpipe import expr
from dashpipe.expr import ExpressionErrors, FieldType, Scope
from tests.expr.world import encode

F = FieldType


def inferred(*uses: tuple[str, FieldType | None], scope: Scope | None = None) -> dict[str, FieldType | None]:
    """The types of the fields of some expressions."""
    return expr.infer([(expr.parse(text), expected) for text, expected in uses], scope or Scope())


def typed(text: str, **fields: FieldType | None) -> expr.Typed:
    """An expression over some fields."""
    return expr.check(expr.parse(text), Scope(fields=fields), None)


@pytest.mark.parametrize(
    ("text", "expected", "types"),
    [
        ("a / 60", None, {"a": F.NUMBER}),
        ("a", F.NUMBER, {"a": F.NUMBER}),
        ("a", None, {"a": None}),
        ("a.b = 'x'", None, {"a.b": F.STRING}),
        ("a >= 5", None, {"a": F.NUMBER}),
        ("a >= DATE '2024-01-01'", None, {"a": F.DATE}),
        ("a AND NOT b", None, {"a": F.BOOLEAN, "b": F.BOOLEAN}),
        ("lower(a) LIKE b", None, {"a": F.STRING, "b": None}),
        ("len(a) > 1", None, {"a": F.ARRAY}),
        ("year(a)", None, {"a": F.DATE}),
        ("coalesce(a, b, 'x')", None, {"a": F.STRING, "b": F.STRING}),
        ("CASE WHEN a THEN b ELSE 1.5 END", None, {"a": F.BOOLEAN, "b": F.NUMBER}),
        ("a IN (b, TRUE)", None, {"a": F.BOOLEAN, "b": F.BOOLEAN}),
        ("a = b", None, {"a": None, "b": None}),
        ("a IS NULL", F.BOOLEAN, {"a": None}),
    ],
)
def test_use_gives_a_field_its_type(
    text: str, expected: FieldType | None, types: dict[str, FieldType | None]
) -> None:
    """What a field is used for says what it is; what nothing fixes stays unknown."""
    if "LIKE b" in text:
        text = text.replace("LIKE b", "LIKE 'x' OR b IS NULL")
    assert inferred((text, expected)) == types


def test_types_travel_between_expressions() -> None:
    """A type that one expression fixes goes on through the others, whatever their order."""
    found = inferred(("a = b", F.BOOLEAN), ("b = c", F.BOOLEAN), ("upper(c) = 'X'", F.BOOLEAN))
    assert found == {"a": F.STRING, "b": F.STRING, "c": F.STRING}


def test_a_decimal_makes_a_decimal() -> None:
    """Beside a declared decimal an undeclared field is one; beside an integer it is a number."""
    scope = Scope(fields={"price": F.DECIMAL, "items": F.INTEGER})
    assert inferred(("a = price AND b = items", None), scope=scope) == {
        "price": F.DECIMAL,
        "items": F.INTEGER,
        "a": F.DECIMAL,
        "b": F.NUMBER,
    }


def test_dimensions_are_read_through() -> None:
    """A name is a dimension first; ``doc.`` is the field; a dimension named like its field is that field."""
    scope = Scope(
        dimensions={
            "course": expr.parse("lower(doc.course)"),
            "id": expr.parse("id"),
            "up": expr.parse("upper(x)"),
        }
    )
    assert inferred(("course = 'a' AND up = 'B' AND doc.up > 1 AND id = 5", None), scope=scope) == {
        "course": F.STRING,
        "x": F.STRING,
        "up": F.NUMBER,
        "id": F.NUMBER,
    }


def test_uses_that_contradict() -> None:
    """A field used as two types is told at the later use, once, with the number of the expression."""
    with pytest.raises(ExpressionErrors) as caught:
        inferred(("flag = 'yes'", F.BOOLEAN), ("flag > 5", F.BOOLEAN))
    (error,) = caught.value.errors
    assert (error.use, error.start, error.end) == (1, 0, 4)
    assert "fields:" in error.help


def test_a_date_that_may_be_text() -> None:
    """An undeclared field only compared with text like a date is asked about; another use decides."""
    with pytest.raises(ExpressionErrors) as caught:
        inferred(("shipped >= '2024-01-01'", F.BOOLEAN))
    assert "`shipped: date`" in caught.value.errors[0].help
    assert inferred(("shipped >= '2024-01-01' AND year(shipped) = 2024", F.BOOLEAN)) == {"shipped": F.DATE}
    assert inferred(("shipped >= '2024-01-01' AND lower(shipped) = 'x'", F.BOOLEAN)) == {"shipped": F.STRING}


def test_dimensions_in_a_circle() -> None:
    """Dimensions that refer to each other are told, at the name that leads into the circle."""
    scope = Scope(dimensions={"a": expr.parse("b || ''".replace("|| ''", "+ 1")), "b": expr.parse("a * 2")})
    with pytest.raises(ExpressionErrors) as caught:
        expr.check(expr.parse("1 + a"), scope, None)
    error = caught.value.errors[0]
    assert "a -> b -> a" in error.message
    assert (error.start, error.end) == (4, 5)


def test_a_mistake_inside_a_dimension_follows() -> None:
    """A dimension's own mistake is marked as one that is reported there."""
    scope = Scope(fields={"x": F.STRING}, dimensions={"d": expr.parse("x + 1")})
    with pytest.raises(ExpressionErrors) as caught:
        expr.check(expr.parse("d > 5"), scope, F.BOOLEAN)
    assert [(one.follows, one.start, one.end) for one in caught.value.errors] == [(True, 0, 1)]


def test_metrics_are_the_names_of_a_derived_metric() -> None:
    """In a derived metric names are metrics and nothing else, by the expression of their column."""
    scope = Scope(metrics={"revenue": F.DECIMAL, "orders": F.INTEGER, "rate": F.NUMBER})
    ratio = expr.check(expr.parse("revenue / orders"), scope, None)
    assert ratio.type is F.DECIMAL
    assert "$toDecimal" in str(expr.to_agg(ratio, {"revenue": "$c1", "orders": "$c2"}))
    with pytest.raises(ExpressionErrors) as caught:
        expr.check(expr.parse("revenu / orders"), scope, None)
    assert caught.value.errors[0].help == "did you mean revenue?"


def test_derived_metrics_over_columns(database: Database[dict[str, Any]]) -> None:
    """A missing metric is NULL, a division by zero too, and a whole quotient is a double."""
    scope = Scope(metrics={"a": F.INTEGER, "b": F.INTEGER})
    emitted = expr.to_agg(expr.check(expr.parse("a / b - 1"), scope, None), {"a": "$x", "b": "$y"})
    database.rows.insert_many(
        [
            {"_id": 1, "x": 7, "y": 2},
            {"_id": 2, "x": 1, "y": 0},
            {"_id": 3, "x": 5},
            {"_id": 4, "x": None, "y": 1},
        ]
    )
    found = database.rows.aggregate([{"$sort": {"_id": 1}}, {"$project": {"r": encode(emitted)}}])
    assert [row.get("r") for row in found] == [2.5, None, None, None]


@pytest.mark.parametrize(
    ("text", "type_"),
    [
        ("i + 1", F.INTEGER),
        ("i / 2", F.NUMBER),
        ("i + 0.5", F.NUMBER),
        ("d + 1", F.DECIMAL),
        ("d / 3", F.DECIMAL),
        ("d * 0.05", F.DECIMAL),
        ("d * (1 - 0.05)", F.DECIMAL),
        ("d * n", F.NUMBER),
        ("d * 5e0", F.NUMBER),
        ("floor(i)", F.NUMBER),
        ("round(d, 1)", F.DECIMAL),
        ("abs(i)", F.INTEGER),
        ("CASE WHEN TRUE THEN i ELSE d END", F.DECIMAL),
        ("NULL", None),
        ("coalesce(NULL, i)", F.INTEGER),
    ],
)
def test_types_of_expressions(text: str, type_: FieldType | None) -> None:
    """Whole numbers stay whole but for division; decimals stay so beside literals; a double takes all."""
    assert typed(text, i=F.INTEGER, d=F.DECIMAL, n=F.NUMBER).type is type_


def test_literals_take_the_type_of_what_they_meet() -> None:
    """A point beside a decimal is one, beside a number a double; text beside a date is an instant."""
    assert typed("d > 0.05", d=F.DECIMAL).args[1].value == Decimal("0.05")
    assert expr.to_agg(typed("n + 0.05", n=F.NUMBER))["$cond"][1]["$add"][1] == 0.05
    scope = Scope(fields={"w": F.DATE}, timezone="Asia/Shanghai")
    compared = expr.check(expr.parse("w >= '2024-03-01'"), scope, None)
    assert compared.args[1].value == datetime(2024, 2, 29, 16, tzinfo=timezone.utc)


def test_texts_that_look_like_paths_stay_text(database: Database[dict[str, Any]]) -> None:
    """A text with $ in front is no field of the document."""
    database.rows.insert_one({"_id": 1, "a": "secret", "t": "$a"})
    for text in (
        "t = '$a'",
        "t IN ('$a', 'b')",
        "t LIKE '$a'",
        "t LIKE '$%'",
        "starts_with(t, '$a')",
        "ends_with(t, '$a')",
        "contains(t, '$a')",
        "replace(t, 'x', '$a') = '$a'",
        "coalesce(NULL, '$a') = t",
        "CASE WHEN TRUE THEN '$a' END = t",
        "trim(t, '$') = 'a'",
    ):
        test = typed(text, t=F.STRING)
        assert database.rows.find_one({"$expr": encode(expr.to_condition(test))}) is not None, text
        pushed = expr.to_query(test)
        rest = {} if pushed.residual is None else {"$expr": encode(expr.to_condition(pushed.residual))}
        assert database.rows.find_one({"$and": [encode(pushed.query), rest]}) is not None, text


def test_emission_is_the_same_every_time() -> None:
    """The same expression gives the same bytes."""
    from dashpipe.compile import canonical

    made = [
        canonical.to_text(expr.to_agg(typed("round(n / i, 2) + d", n=F.NUMBER, i=F.INTEGER, d=F.DECIMAL)))
        for _ in range(2)
    ]
    assert made[0] == made[1]


def test_a_field_is_tested_once() -> None:
    """However often an expression reads a field, one test of its type serves all."""
    made = str(expr.to_agg(typed("a * a + a / 2 + b", a=F.NUMBER, b=F.NUMBER)))
    assert made.count("'$gte': ['$a'") == 1
    assert made.count("'$gte': ['$b'") == 1

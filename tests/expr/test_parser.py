"""Text is read as SQL reads it; sqlglot is the second reader."""

from __future__ import annotations

import os
import random
from typing import Any

import pytest
import sqlglot
from sqlglot import expressions as sql

from dashpipe import expr
from dashpipe.expr import Expr
from tests.conftest import PROFILE
from tests.expr.generate import Generator

CORPUS = [
    "a + b * c - d / e % f",
    "(a + b) * -c",
    "- a * b",
    "a AND b OR NOT c AND d",
    "NOT a = b AND c",
    "a = 1 OR b = 2 OR c <> 3",
    "a BETWEEN 1 AND 2 AND b BETWEEN c + 1 AND d * 2",
    "a NOT BETWEEN 1 AND 2",
    "a IN (1, 2, 3) AND b NOT IN ('x', 'it''s')",
    "a LIKE 'x%' AND NOT b LIKE '_y'",
    "a LIKE 'x!%' ESCAPE '!' OR a NOT LIKE '!_' ESCAPE '!'",
    "a NOT LIKE 'x'",
    "a IS NULL OR b IS NOT NULL",
    "a IS DISTINCT FROM b AND c IS NOT DISTINCT FROM 1",
    "CASE WHEN a > 1 THEN 'x' WHEN b THEN 'y' ELSE 'z' END",
    "CASE a WHEN 1 THEN 2 END + 1",
    "coalesce(a, b, 0) + nullif(a, b)",
    "CAST(a + 1 AS BIGINT) * TRY_CAST(b AS DOUBLE)",
    "teacher.id = 'x' AND \"class-id\" = 1",
    "1.5 + 2e3 - .5",
    "a - b - c",
    "a / b / c",
    "abs(-1) + round(a, 2)",
    "greatest(a, b) - least(c, d, e)",
    "lower(trim(a)) = 'x'",
    "a = b + 1 AND c <= d * 2",
]


def ours(node: Expr) -> Any:
    """Our tree in a form that sqlglot's can be given too."""
    args = [ours(one) for one in node.args]
    kind, value = node.kind, node.value
    if kind in ("int", "float", "point"):
        return ("number", float(value))
    if kind in ("null", "bool", "text"):
        return (kind, value)
    if kind == "name":
        return ("name", value.name)
    if kind == "binary":
        return (value, *args)
    if kind in ("in", "between", "isnull"):
        made: Any = (kind, *args)
        return ("not", made) if value else made
    if kind == "distinct":
        return ("same" if value else "differs", *args)
    if kind == "like":
        made = ("like", *args, value[1])
        return ("not", made) if value[0] else made
    if kind == "case":
        return ("case", value, *args)
    if kind == "cast":
        return ("cast", value[1], *args)
    return ("call" if kind == "call" else kind, *args)


def theirs(node: sql.Expression) -> Any:
    """Sqlglot's tree in the same form."""
    operators = {
        sql.Add: "+",
        sql.Sub: "-",
        sql.Mul: "*",
        sql.Div: "/",
        sql.Mod: "%",
        sql.EQ: "=",
        sql.NEQ: "<>",
        sql.LT: "<",
        sql.LTE: "<=",
        sql.GT: ">",
        sql.GTE: ">=",
    }
    if type(node) in operators:
        return (operators[type(node)], theirs(node.this), theirs(node.expression))
    match node:
        case sql.Paren():
            return theirs(node.this)
        case sql.Literal():
            return ("text", node.this) if node.is_string else ("number", float(node.this))
        case sql.Null():
            return ("null", None)
        case sql.Boolean():
            return ("bool", node.this)
        case sql.Column():
            return ("name", ".".join(part.name for part in node.parts))
        case sql.And() | sql.Or():
            word = "and" if isinstance(node, sql.And) else "or"
            sides = [node.left, node.right]
            return (word, *(inner for side in sides for inner in _flat(side, type(node))))
        case sql.Not():
            return ("not", theirs(node.this))
        case sql.Neg():
            return ("neg", theirs(node.this))
        case sql.In():
            return ("in", theirs(node.this), *(theirs(one) for one in node.expressions))
        case sql.Between():
            return ("between", theirs(node.this), theirs(node.args["low"]), theirs(node.args["high"]))
        case sql.Is():
            return ("isnull", theirs(node.this))
        case sql.NullSafeEQ():
            return ("same", theirs(node.this), theirs(node.expression))
        case sql.NullSafeNEQ():
            return ("differs", theirs(node.this), theirs(node.expression))
        case sql.Escape() | sql.Like():
            like = node.this if isinstance(node, sql.Escape) else node
            escape = node.expression.name if isinstance(node, sql.Escape) else None
            made = ("like", theirs(like.this), theirs(like.expression), escape)
            return ("not", made) if like.args.get("negate") else made
        case sql.Case():
            parts = [] if node.this is None else [theirs(node.this)]
            for branch in node.args["ifs"]:
                parts += [theirs(branch.this), theirs(branch.args["true"])]
            default = node.args.get("default")
            parts += [] if default is None else [theirs(default)]
            return ("case", (node.this is not None, default is not None), *parts)
        case sql.Cast():
            return ("cast", isinstance(node, sql.TryCast), theirs(node.this))
        case sql.Func():
            args = [
                one for value in node.args.values() for one in (value if isinstance(value, list) else [value])
            ]
            return ("call", *(theirs(one) for one in args if isinstance(one, sql.Expression)))
    raise AssertionError(f"{type(node).__name__} is not known here")


def _flat(node: sql.Expression, kind: type) -> list[Any]:
    if isinstance(node, kind):
        return [*_flat(node.left, kind), *_flat(node.right, kind)]
    return [theirs(node)]


@pytest.mark.parametrize("text", CORPUS)
def test_trees_are_sqls(text: str) -> None:
    """Precedence, grouping and literals are as another reader of SQL has them."""
    assert ours(expr.parse(text)) == theirs(sqlglot.parse_one(text, dialect="duckdb"))


def test_random_trees_are_sqls() -> None:
    """The same of random conditions."""
    random_ = random.Random(os.environ.get("DASHPIPE_SEED", "0"))
    generator = Generator(random_)
    tried = 0
    while tried < (500 if PROFILE != "quick" else 50):
        (text, _), _ = generator.any()
        if any(
            word in text
            for word in (
                "date_",
                "strftime",
                "TIMESTAMPTZ",
                "DATE '",
                "trim(",
                " IS TRUE",
                "IS NOT TRUE",
                "contains",
            )
        ):
            continue  # sqlglot gives these a form of their own
        if any(
            f"{word}(" in text
            for word in (
                "mod",
                "log10",
                "ln",
                "week",
                "isodow",
                "dayofweek",
                "dayofyear",
                "isoyear",
                "concat",
                "replace",
            )
        ):
            continue
        assert _unsigned(ours(expr.parse(text))) == _unsigned(
            theirs(sqlglot.parse_one(text, dialect="duckdb"))
        ), text
        tried += 1


def _unsigned(tree: Any) -> Any:
    """The tree with signs of numbers taken into them, and nested AND and OR as one."""
    if not isinstance(tree, tuple):
        return tree
    parts = tuple(_unsigned(one) for one in tree)
    if parts[0] == "neg" and parts[1][0] == "number":
        return ("number", -parts[1][1])
    if parts[0] in ("and", "or"):
        flat: list[Any] = []
        for one in parts[1:]:
            flat += one[1:] if one[0] == parts[0] else [one]
        return (parts[0], *flat)
    return parts


def test_places_of_nodes() -> None:
    """Every node knows its text."""
    text = "lower(a.b) = 'x' AND  c BETWEEN 1 AND 2"
    tree = expr.parse(text)
    first, second = tree.args
    assert text[first.start : first.end] == "lower(a.b) = 'x'"
    assert text[second.start : second.end] == "c BETWEEN 1 AND 2"
    assert text[first.args[0].args[0].start : first.args[0].args[0].end] == "a.b"


def test_names_in_order() -> None:
    """All references, as often as they stand there, with what is quoted and forced."""
    found = expr.names(expr.parse('doc.course = "class-id" AND a."b c".d > course AND doc = 1'))
    assert [(one.name, one.forced, one.quoted) for one in found] == [
        ("course", True, False),
        ("class-id", False, True),
        ("a.b c.d", False, False),
        ("course", False, False),
        ("doc", False, False),
    ]


def test_dates_and_words_may_be_names() -> None:
    """A word that begins a dated literal or a call is a name where nothing of that kind follows."""
    assert [one.name for one in expr.names(expr.parse("date > 1 AND left = 2 AND timestamp.date = 3"))] == [
        "date",
        "left",
        "timestamp.date",
    ]

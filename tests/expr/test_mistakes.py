"""What analysts write wrongly: each mistake at its own place, with what to write instead."""

from __future__ import annotations

import random

import pytest

from dashpipe import expr
from dashpipe.expr import ExpressionErrors, FieldType, Scope

F = FieldType
FIELDS: dict[str, FieldType | None] = {
    "total": F.NUMBER,
    "items": F.INTEGER,
    "price": F.DECIMAL,
    "country": F.STRING,
    "customer_id": F.STRING,
    "shipped_at": F.DATE,
    "express": F.BOOLEAN,
    "tags": F.ARRAY,
    "_id": F.OBJECT_ID,
}
NUMBER, CONDITION, ANY = F.NUMBER, F.BOOLEAN, None

#: Text with the place of the mistake marked, the type that is needed, and words of message and help.
MISTAKES: list[tuple[str, FieldType | None, str, str]] = [
    ("total «items»", NUMBER, "without an operator", "+ - * /"),
    ("«(»total + items", NUMBER, "not closed", ")"),
    ("total«)»", NUMBER, "not opened", "leave it out"),
    ("round«(»total", NUMBER, "not closed", ")"),
    ("total «==» 5", CONDITION, "==", "write ="),
    ("total > 5 «&&» items > 1", CONDITION, "&&", "AND"),
    ("total > 5 «||» items > 1", CONDITION, "||", "OR"),
    ('country = «"DE"»', CONDITION, "name of a field", "'DE'"),
    ("country = «'DE»", CONDITION, "not closed", "'"),
    ("«country = NULL»", CONDITION, "never true", "country IS NULL"),
    ("«country <> NULL»", CONDITION, "never true", "country IS NOT NULL"),
    ("«rounds»(total)", NUMBER, "no function rounds", "round"),
    ("«ifnull»(total, 0)", NUMBER, "ifnull", "COALESCE"),
    ("«nullif(total)»", NUMBER, "takes 2 arguments, this has 1", "NULLIF("),
    ("«round(total, 1, 2)»", NUMBER, "takes 1 or 2 arguments, this has 3", "round("),
    ("«coalesce()»", NUMBER, "at least 1 argument", "COALESCE("),
    ("«sum»(total)", NUMBER, "aggregate", "type: sum"),
    ("«count»(*)", NUMBER, "aggregate", "type: count"),
    ("count(«DISTINCT» country)", NUMBER, "DISTINCT", "count_distinct"),
    ("«*»", ANY, "no value", "type: count"),
    ("«$»total", NUMBER, "$", "without $"),
    ("total «$»gt 5", CONDITION, "$", ">"),
    ("total > «'5'»", CONDITION, "text is compared with a number", "5"),
    ("«'5'» < total", CONDITION, "text is compared with a number", "leave the quotes out: 5"),
    ("country = «5»", CONDITION, "compared with text", "'5'"),
    ("total IN (1, «'b'»)", CONDITION, "text is compared with a number", "without quotes"),
    ("total BETWEEN 1 AND «'b'»", CONDITION, "text is compared with a number", "without quotes"),
    ("shipped_at > «20240101»", CONDITION, "compared with a date", "'2024-01-01'"),
    ("shipped_at > «'yesterday'»", CONDITION, "no date", "'2024-01-31'"),
    ("shipped_at > «'2024-13-01'»", CONDITION, "no date", "'2024-01-31'"),
    ("«DATE '2024-02-30'»", ANY, "no date", "DATE '2024-01-31'"),
    ("«shipped_at» + 1", NUMBER, "computes with numbers", "date_diff"),
    ("«total»", CONDITION, "condition is needed", "total > 0"),
    ("«country»", CONDITION, "condition is needed", "country = 'a'"),
    ("total > 5 AND «items»", CONDITION, "AND joins conditions", "> 0"),
    ("NOT «total»", CONDITION, "NOT turns a condition", "> 0"),
    ("total + «country»", NUMBER, "computes with numbers", "CAST"),
    ("total BETWEEN 1«»", CONDITION, "lacks its AND", "BETWEEN 1 AND 5"),
    ("country IN «'DE'»", CONDITION, "not followed by a list", "IN ('DE')"),
    ("country IN («)»", CONDITION, "empty", "IN ('a', 'b')"),
    ("country «NOT» NULL", CONDITION, "NOT follows a value", "IS NOT NULL"),
    ("country IS «'DE'»", CONDITION, "IS is followed", "IS NULL"),
    ("a < b «<» c", CONDITION, "do not chain", "AND"),
    ("«CASE» WHEN total > 5 THEN 1", NUMBER, "lacks its END", "END"),
    ("«CASE» total END", NUMBER, "lacks a WHEN", "WHEN"),
    ("CASE «WHEN» total > 5 END", NUMBER, "lacks its THEN", "THEN"),
    ("CASE WHEN «total» THEN 1 END", NUMBER, "WHEN needs a condition", "> 0"),
    ("CASE WHEN express THEN 1 ELSE «'a'» END", ANY, "in one CASE", "number"),
    ("coalesce(total, «'none'»)", NUMBER, "in one COALESCE", "number"),
    ("customer_id IN («SELECT» id FROM vip)", CONDITION, "SELECT", "lookup"),
    ("«extract»(year FROM shipped_at)", NUMBER, "syntax of its own", "year(x)"),
    ("«total» LIKE '5%'", CONDITION, "LIKE compares text", "CAST"),
    ("country LIKE «customer_id»", CONDITION, "no literal", "contains"),
    ("country LIKE «'a!'» ESCAPE '!'", CONDITION, "escape character", "twice"),
    ("country «ILIKE» 'a%'", CONDITION, "ILIKE", "lower(x)"),
    ("total«;»", NUMBER, ";", "semicolon"),
    ("total «--» all of it", NUMBER, "--", "comment"),
    ("total «**» 2", NUMBER, "**", "power"),
    ("total«::»int", NUMBER, "::", "CAST"),
    ("«!»express", CONDITION, "!", "NOT"),
    ("«`»total` > 5", CONDITION, "`", "double quotes"),
    ("gr«ö»ße > 5", CONDITION, "no letter", "double quotes"),
    ("«9a»", NUMBER, "followed by letters", "begins with a letter"),
    ("round«（»total）", NUMBER, "（", "("),
    ("country = «’»DE", CONDITION, "curly quote", "straight"),
    ("CAST(country AS «money»)", NUMBER, "no type money", "DOUBLE"),
    ("CAST(total AS «FLOAT»)", NUMBER, "no type FLOAT", "DOUBLE"),
    ("CAST(total AS «DECIMAL(40, 2)»)", NUMBER, "no type", "DECIMAL(18, 2)"),
    ("CAST(«shipped_at» AS VARCHAR)", ANY, "does not convert", "strftime"),
    ("CAST(«unknown» AS DOUBLE)", NUMBER, "nothing says", "fields:"),
    ("«CAST» total AS DOUBLE", NUMBER, "parentheses", "CAST(x AS"),
    ("«now»()", ANY, "now", "no clock"),
    ("«if»(express, 1, 2)", NUMBER, "if", "CASE WHEN"),
    ("date_trunc(«'hour'», shipped_at)", ANY, "'hour'", "hour(x)"),
    ("date_diff(«day», shipped_at, shipped_at)", NUMBER, "no literal", "'day'"),
    ("left(country, «-1»)", ANY, "-1", "right("),
    ("substring(country, «items»)", ANY, "no literal", "substring("),
    ("strftime(shipped_at, «'%b'»)", ANY, "%b", "strftime("),
    ("lower(«total»)", ANY, "needs text", "CAST"),
    ("len(«country»)", NUMBER, "needs an array", "length(x)"),
    ("tags = «'a'»", CONDITION, "array", "list_contains"),
    ("«tags» = tags", CONDITION, "array", "list_contains"),
    ("«tags»", NUMBER, "a number is needed", ""),
    ("_id = «'abc'»", CONDITION, "no object id", "24"),
    ("express = «1»", CONDITION, "true or false", "TRUE"),
    ("«9223372036854775808» + items", NUMBER, "64 bits", "exponent"),
    ("«9223372036854775807 + 1»", NUMBER, "64 bits", "exponent"),
    ("total > 1«,»5", CONDITION, "comma", "point"),
    ("«»", NUMBER, "no expression", "name"),
    ("total «+»", NUMBER, "ends after +", "value"),
    ("«AND» total > 5", CONDITION, "AND", '"AND"'),
    ("«x = y»", CONDITION, "nothing says", "fields:"),
    ("total«.» + 1", NUMBER, "dot", "teacher.id"),
    ('«"$where"» = 1', CONDITION, "no field's name", "$"),
    ("«" + "(" * 300 + "total" + ")" * 300 + "»", NUMBER, "nested too deep", "dimensions"),
    ("«" + "+".join(["total"] * 1500) + "»", NUMBER, "nested too deep", "dimensions"),
    ("«" + "NOT " * 2000 + "express»", CONDITION, "nested too deep", "dimensions"),
    ("total" + " + 1" * 2600 + "«»", NUMBER, "at most 10,000 characters", "dimensions"),
]


def errors_of(text: str, expected: FieldType | None) -> list[expr.ExpressionError]:
    """All mistakes of an expression over the fields above, as a lint would find them."""
    scope = Scope(fields=FIELDS)
    try:
        tree = expr.parse(text)
        types = expr.infer([(tree, expected)], scope)
        expr.check(tree, Scope(fields=types), expected)
    except ExpressionErrors as found:
        return list(found.errors)
    return []


@pytest.mark.parametrize(("text", "expected", "message", "help"), MISTAKES, ids=lambda one: str(one)[:40])
def test_mistakes_have_their_place(text: str, expected: FieldType | None, message: str, help: str) -> None:
    """A mistake is told once, where it is, with what to write instead."""
    start, end = text.index("«"), text.index("»") - 1
    plain = text.replace("«", "").replace("»", "")
    errors = errors_of(plain, expected)
    assert len(errors) == 1
    error = errors[0]
    if "characters" not in message:
        assert (error.start, error.end) == (start, end)
    assert message in error.message
    assert help in error.help
    assert error.help
    assert not error.message.endswith(".")


def test_all_mistakes_at_once() -> None:
    """Mistakes that are told apart are told together, in the order of the text."""
    errors = errors_of(
        "foo(total) > 5 AND country = 5 AND bar(items) AND total + tags > 1 AND items", F.BOOLEAN
    )
    assert [one.start for one in errors] == [0, 29, 35, 58, 71]
    errors = errors_of("total == 5 && items == 2;", F.BOOLEAN)
    assert [one.start for one in errors] == [6, 11, 20, 24]


def test_sound_expressions_have_no_mistakes() -> None:
    """What is in the catalogue, as its example says, is in the language."""
    for entry in expr.catalogue():
        tree = expr.parse(entry.example)
        types = expr.infer([(tree, None)], Scope())
        missing = {name: F.STRING for name, type_ in types.items() if type_ is None}
        expr.check(tree, Scope(fields={**types, **missing}), None)
        assert entry.does
        assert entry.signature


@pytest.mark.parametrize("seed", range(20))
def test_no_text_breaks_the_reader(seed: int) -> None:
    """Random soup of tokens and characters is read or refused; nothing but ExpressionErrors comes out."""
    random_ = random.Random(seed)
    words = [
        "total",
        "country",
        "tags",
        "x",
        '"a b"',
        "'t'",
        "1",
        "2.5",
        "1e3",
        "(",
        ")",
        ",",
        "+",
        "-",
        "*",
        "/",
        "%",
        "=",
        "<",
        ">=",
        "<>",
        "AND",
        "OR",
        "NOT",
        "IN",
        "IS",
        "NULL",
        "LIKE",
        "BETWEEN",
        "CASE",
        "WHEN",
        "THEN",
        "ELSE",
        "END",
        "CAST",
        "AS",
        "INTEGER",
        "round(",
        "lower(",
        "date_trunc(",
        "'day'",
        "DATE",
        "DISTINCT",
        "FROM",
        "TRUE",
        ".",
        "doc.",
        "$",
        "&&",
        ";",
        "«",
        "\0",
        "é",
        "--",
        "||",
        "len(",
        "ESCAPE",
    ]
    for _ in range(150):
        soup = " ".join(random_.choice(words) for _ in range(random_.randint(0, 25)))
        for text in (soup, "".join(chr(random_.randrange(1, 0x300)) for _ in range(random_.randint(0, 40)))):
            for error in errors_of(text, random_.choice([None, F.NUMBER, F.BOOLEAN])):
                assert 0 <= error.start <= error.end <= len(text)
                assert error.message
                assert error.help

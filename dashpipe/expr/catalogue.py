"""What there is in the language, as a list: the reference page is made of it."""

from __future__ import annotations

from typing import NamedTuple

from dashpipe.expr.functions import ALIASES, LISTED


class Entry(NamedTuple):
    """One thing that can be written: its name, how it is written, what it gives, and a use of it."""

    name: str
    signature: str
    does: str
    example: str
    kind: str


_OPERATORS = (
    (
        "+ - *",
        "a + b",
        "sum, difference, product; NULL where one side is; whole numbers beyond 64 bits fail the run",
        "price * seats",
    ),
    (
        "/",
        "a / b",
        "the quotient: a decimal of decimals, else a double, of whole numbers too; NULL where b is 0",
        "duration_s / 60",
    ),
    ("%", "a % b", "the remainder, with the sign of a; NULL where b is 0", "id % 10"),
    ("= <> < <= > >=", "a = b", "comparison; NULL where one side is; text by its bytes", "score >= 60"),
    (
        "AND OR NOT",
        "a AND NOT b",
        "three-valued logic: NULL AND FALSE is FALSE, NULL OR TRUE is TRUE",
        "paid AND NOT refunded",
    ),
    (
        "IS NULL",
        "a IS [NOT] NULL",
        "whether there is a value: a missing or mistyped one is NULL",
        "coupon IS NOT NULL",
    ),
    (
        "IS DISTINCT FROM",
        "a IS [NOT] DISTINCT FROM b",
        "comparison that takes NULL as a value",
        "status IS DISTINCT FROM 'void'",
    ),
    ("IS TRUE", "a IS [NOT] TRUE, a IS [NOT] FALSE", "the condition with NULL as no", "vip IS TRUE"),
    ("IN", "a [NOT] IN (b, …)", "whether a equals one of the values", "country IN ('DE', 'FR')"),
    ("BETWEEN", "a [NOT] BETWEEN b AND c", "from b to c, both included", "score BETWEEN 60 AND 80"),
    (
        "LIKE",
        "a [NOT] LIKE 'pattern' [ESCAPE 'x']",
        "% is any text, _ any one character",
        "path LIKE '/shop/%'",
    ),
    (
        "CASE",
        "CASE WHEN a THEN b … [ELSE c] END",
        "the first value whose condition is true; CASE x WHEN v THEN … compares x",
        "CASE WHEN vip THEN 2 ELSE 1 END",
    ),
    (
        "CAST",
        "CAST(a AS type)",
        (
            "conversion to INTEGER, BIGINT, DOUBLE, DECIMAL(p, s), VARCHAR, BOOLEAN, DATE (the day's start)"
            " or TIMESTAMP; the run fails where it fails"
        ),
        "CAST(zip AS INTEGER)",
    ),
    ("TRY_CAST", "TRY_CAST(a AS type)", "as CAST; NULL where it fails", "TRY_CAST(score AS DOUBLE)"),
    (
        "DATE",
        "DATE '2024-01-31'",
        "the first instant of a day in the subject's time zone",
        "paid_at >= DATE '2024-01-31'",
    ),
    (
        "TIMESTAMP",
        "TIMESTAMP '2024-01-31 08:30:00'",
        "an instant, read in the subject's time zone unless it names an offset",
        "paid_at < TIMESTAMP '2024-01-31 08:30:00'",
    ),
)


def catalogue() -> tuple[Entry, ...]:
    """Every operator and function, in the order in which they are listed."""
    operators = (Entry(name, form, does, example, "operator") for name, form, does, example in _OPERATORS)
    functions = (
        Entry(one.name, one.signature, _does(one.name, one.does), one.example, "function") for one in LISTED
    )
    return (*operators, *functions)


def _does(name: str, does: str) -> str:
    others = [alias for alias, meant in ALIASES.items() if meant == name]
    return f"{does} (also {', '.join(others)})" if others else does

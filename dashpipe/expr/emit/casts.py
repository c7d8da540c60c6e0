"""Conversions, with DuckDB's rounding: doubles to the even neighbour, decimals and text away from zero."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from dashpipe.expr.emit.build import either, named
from dashpipe.expr.emit.value import Value, strict
from dashpipe.expr.functions.date import day_start
from dashpipe.expr.functions.number import whole
from dashpipe.expr.scope import Typed
from dashpipe.expr.typed.casts import Target
from dashpipe.expr.types import FieldType

_T = FieldType

#: Text that is a number: its digits may be grouped by single underscores.
_NUMERAL = r"^\s*[+-]?(\d+(_\d+)*\.?(\d+(_\d+)*)?|\.\d+(_\d+)*)([eE][+-]?\d+)?\s*$"

_TRUE, _FALSE = ("true", "t", "yes", "y", "1"), ("false", "f", "no", "n", "0")


def cast(typed: Typed, inner: Value) -> Value:
    """CAST, which fails the run on a value that does not convert, or TRY_CAST, which gives NULL there."""
    target, soft, zone = typed.value
    given = typed.args[0].type
    made = strict([inner], lambda args: _converted(args[0], given, target, soft, zone))
    return Value(made.expr, made.guards, nullable=True) if soft else made


def _converted(value: Any, given: FieldType | None, target: Target, soft: bool, zone: str) -> Any:
    if target.type is _T.DATE:
        return day_start(value, zone) if target.name == "DATE" else value
    if target.type is _T.STRING:
        return value if given is _T.STRING else {"$toString": value}
    if target.type is _T.BOOLEAN:
        return _boolean(value, given, soft)
    if target.type is _T.NUMBER:
        return _double(value, given, soft)
    if target.type is _T.DECIMAL:
        return _decimal(value, given, target, soft)
    return _integer(value, given, target, soft)


def _to(value: Any, kind: str, soft: bool) -> Any:
    return {"$convert": {"input": value, "to": kind, **({"onError": None} if soft else {})}}


def _integer(value: Any, given: FieldType | None, target: Target, soft: bool) -> Any:
    if given is _T.STRING:
        return _numeral(
            value, soft, lambda number: _to(whole(number), "int" if target.bits == 32 else "long", soft)
        )
    if given is _T.BOOLEAN:
        return {"$cond": [value, 1, 0]}
    if given is _T.NUMBER:
        value = {"$round": [value, 0]}
    elif given is _T.DECIMAL:
        value = whole(value)
    return (
        value
        if given is _T.INTEGER and target.bits == 64
        else _to(value, "int" if target.bits == 32 else "long", soft)
    )


def _double(value: Any, given: FieldType | None, soft: bool) -> Any:
    if given is _T.STRING:
        return _numeral(value, soft, lambda number: _to(number, "double", soft))
    if given is _T.BOOLEAN:
        return {"$cond": [value, 1.0, 0.0]}
    return value if given is _T.NUMBER else {"$toDouble": value}


def _numeral(value: Any, soft: bool, use: Any) -> Any:
    """A text's number as a decimal, put to use; a text that is none fails, and the failure names it."""

    def read(text: Any) -> Any:
        digits = {"$replaceAll": {"input": {"$trim": {"input": text}}, "find": "_", "replacement": ""}}
        test = {"$regexMatch": {"input": text, "regex": _NUMERAL}}
        good = {"$let": {"vars": {"n": _to(digits, "decimal", soft)}, "in": use("$$n")}}
        bad = None if soft else {"$toDecimal": {"$concat": ["no number: ", text]}}
        return either(test, good, bad)

    return named("t", value, read)


def _decimal(value: Any, given: FieldType | None, target: Target, soft: bool) -> Any:
    step = 10**target.after
    scaled: Any
    if given is _T.INTEGER:
        scaled = {"$multiply": [{"$toDecimal": value}, Decimal(step)]}
    elif given is _T.NUMBER:
        scaled = {"$toDecimal": _to(whole({"$multiply": [value, float(step)]}), "long", soft)}
    else:
        scaled = whole({"$multiply": [value, Decimal(step)]})
    limit = Decimal(10 ** (target.before + target.after))

    def held(number: Any) -> Any:
        inside = {"$lt": [{"$abs": number}, limit]}
        wide = (
            None if soft else {"$toDecimal": {"$concat": [f"beyond {target.name}: ", {"$toString": number}]}}
        )
        return {"$cond": [inside, {"$divide": [number, Decimal(step)]}, wide]}

    return {"$let": {"vars": {"m": scaled}, "in": held("$$m")}}


def _boolean(value: Any, given: FieldType | None, soft: bool) -> Any:
    if given is _T.BOOLEAN:
        return value
    if given is not _T.STRING:
        return {"$ne": [value, 0]}

    def read(word: Any) -> Any:
        bad = None if soft else {"$eq": [{"$toDecimal": {"$concat": ["neither true nor false: ", word]}}, 0]}
        return either({"$in": [word, list(_TRUE)]}, True, either({"$in": [word, list(_FALSE)]}, False, bad))

    return {"$let": {"vars": {"w": {"$toLower": value}}, "in": read("$$w")}}

"""Functions of text. Characters are code points; case is ASCII."""

from __future__ import annotations

from typing import Any

from dashpipe.expr.emit.build import constant, named
from dashpipe.expr.functions.function import COUNT, PLACE, TEXT, WORD, Emit, Function
from dashpipe.expr.scope import Typed
from dashpipe.expr.types import FieldType

_STRING, _INTEGER, _BOOLEAN = FieldType.STRING, FieldType.INTEGER, FieldType.BOOLEAN

#: Unicode's space separators, which are what SQL's trim takes away; a tab or line end stays.
SPACES = " \u00a0\u1680" + "".join(chr(one) for one in range(0x2000, 0x200B)) + "\u202f\u205f\u3000"


def _text(value: str) -> Any:
    return constant(Typed("literal", _STRING, (), value))


def _length(value: Any) -> Any:
    return len(value) if isinstance(value, str) and not value.startswith("$") else {"$strLenCP": value}


def _trim(operator: str) -> Emit:
    def emit(args: list[Any], _: Typed) -> Any:
        chars = args[1] if len(args) > 1 else SPACES
        return {operator: {"input": args[0], "chars": _text(chars)}} if chars else args[0]

    return emit


def _replace(args: list[Any], _: Typed) -> Any:
    return (
        {"$replaceAll": {"input": args[0], "find": _text(args[1]), "replacement": args[2]}}
        if args[1]
        else args[0]
    )


def _substring(args: list[Any], _: Typed) -> Any:
    if len(args) > 2:
        return {"$substrCP": [args[0], args[1] - 1, args[2]]}
    return named("s", args[0], lambda s: {"$substrCP": [s, args[1] - 1, {"$strLenCP": s}]})


def right(text: Any, count: Any) -> Any:
    """The last characters of a text; ``count`` is an expression."""
    start = {"$max": [0, {"$subtract": [_length(text), count]}]}
    return {"$substrCP": [text, start, count]}


def starts_with(text: Any, start: Any) -> Any:
    """Whether a text begins with another."""
    return {"$eq": [{"$substrCP": [text, 0, _length(start)]}, start]}


def ends_with(text: Any, end: Any) -> Any:
    """Whether a text ends with another."""
    return {"$eq": [right(text, _length(end)), end]}


def contains(text: Any, part: Any) -> Any:
    """Whether a text contains another."""
    return {"$gte": [{"$indexOfCP": [text, part]}, 0]}


def _both(test: Any) -> Emit:
    def emit(args: list[Any], _: Typed) -> Any:
        return named("s", args[0], lambda s: named("t", args[1], lambda t: test(s, t)))

    return emit


def _one(operator: str) -> Emit:
    return lambda args, _: {operator: args[0]}


FUNCTIONS = (
    Function(
        "lower",
        "lower(text)",
        (TEXT,),
        _STRING,
        "the text in small letters (A to Z)",
        "lower(country)",
        _one("$toLower"),
        1,
    ),
    Function(
        "upper",
        "upper(text)",
        (TEXT,),
        _STRING,
        "the text in capitals (a to z)",
        "upper(country)",
        _one("$toUpper"),
        1,
    ),
    Function(
        "length",
        "length(text)",
        (TEXT,),
        _INTEGER,
        "how many characters the text has",
        "length(comment)",
        _one("$strLenCP"),
        1,
    ),
    Function(
        "trim",
        "trim(text [, characters])",
        (TEXT, WORD),
        _STRING,
        "the text without spaces (or the given characters) at both ends",
        "trim(country)",
        _trim("$trim"),
        1,
    ),
    Function(
        "ltrim",
        "ltrim(text [, characters])",
        (TEXT, WORD),
        _STRING,
        "the text without spaces in front",
        "ltrim(code, '0')",
        _trim("$ltrim"),
        1,
    ),
    Function(
        "rtrim",
        "rtrim(text [, characters])",
        (TEXT, WORD),
        _STRING,
        "the text without spaces behind",
        "rtrim(code, '-')",
        _trim("$rtrim"),
        1,
    ),
    Function(
        "concat",
        "concat(text, …)",
        (TEXT,),
        _STRING,
        "the texts one after another; NULL adds nothing",
        "concat(first, ' ', last)",
        None,
        1,
        more=True,
    ),
    Function(
        "substring",
        "substring(text, start [, length])",
        (TEXT, PLACE, COUNT),
        _STRING,
        "characters from the start-th on, counted from 1",
        "substring(code, 3, 2)",
        _substring,
        2,
    ),
    Function(
        "left",
        "left(text, count)",
        (TEXT, COUNT),
        _STRING,
        "the first characters",
        "left(postcode, 2)",
        lambda args, _: {"$substrCP": [args[0], 0, args[1]]},
        2,
    ),
    Function(
        "right",
        "right(text, count)",
        (TEXT, COUNT),
        _STRING,
        "the last characters",
        "right(code, 4)",
        lambda args, _: named("s", args[0], lambda s: right(s, args[1])),
        2,
    ),
    Function(
        "replace",
        "replace(text, from, to)",
        (TEXT, WORD, TEXT),
        _STRING,
        "the text with every occurrence replaced",
        "replace(phone, ' ', '')",
        _replace,
        3,
    ),
    Function(
        "starts_with",
        "starts_with(text, start)",
        (TEXT, TEXT),
        _BOOLEAN,
        "whether the text begins so",
        "starts_with(path, '/shop/')",
        _both(starts_with),
        2,
    ),
    Function(
        "ends_with",
        "ends_with(text, end)",
        (TEXT, TEXT),
        _BOOLEAN,
        "whether the text ends so",
        "ends_with(email, '.org')",
        _both(ends_with),
        2,
    ),
    Function(
        "contains",
        "contains(text, part)",
        (TEXT, TEXT),
        _BOOLEAN,
        "whether the text has the part in it",
        "contains(agent, 'Mobile')",
        _both(contains),
        2,
    ),
)

__all__ = ["FUNCTIONS", "SPACES", "contains", "ends_with", "right", "starts_with"]

"""CAST and TRY_CAST: which type is meant, and which conversions are exact."""

from __future__ import annotations

import re
from typing import NamedTuple

from dashpipe.expr.ast import Expr
from dashpipe.expr.errors import nearest
from dashpipe.expr.scope import Typed
from dashpipe.expr.typed.context import WRONG, Context
from dashpipe.expr.types import FieldType, word

_T = FieldType


class Target(NamedTuple):
    """What a cast gives: its type; a whole number's bits, a decimal's digits before and after the point."""

    name: str
    type: FieldType
    bits: int = 64
    before: int = 0
    after: int = 0


_TARGETS = {
    "INTEGER": Target("INTEGER", _T.INTEGER, 32),
    "BIGINT": Target("BIGINT", _T.INTEGER),
    "DOUBLE": Target("DOUBLE", _T.NUMBER),
    "VARCHAR": Target("VARCHAR", _T.STRING),
    "BOOLEAN": Target("BOOLEAN", _T.BOOLEAN),
    "DATE": Target("DATE", _T.DATE),
    "TIMESTAMP": Target("TIMESTAMP", _T.DATE),
    "DECIMAL": Target("DECIMAL", _T.DECIMAL, before=15, after=3),
}
_SPELLED = {
    "INT": "INTEGER",
    "INT4": "INTEGER",
    "INT8": "BIGINT",
    "LONG": "BIGINT",
    "FLOAT8": "DOUBLE",
    "NUMERIC": "DECIMAL",
    "TEXT": "VARCHAR",
    "STRING": "VARCHAR",
    "CHAR": "VARCHAR",
    "BOOL": "BOOLEAN",
    "TIMESTAMPTZ": "TIMESTAMP",
}
_REMEDY = {
    "FLOAT": "DOUBLE",
    "REAL": "DOUBLE",
    "NUMBER": "DOUBLE",
    "DATETIME": "TIMESTAMP",
    "SMALLINT": "INTEGER",
}

_FROM = {
    "INTEGER": (_T.INTEGER, _T.NUMBER, _T.DECIMAL, _T.BOOLEAN, _T.STRING),
    "BIGINT": (_T.INTEGER, _T.NUMBER, _T.DECIMAL, _T.BOOLEAN, _T.STRING),
    "DOUBLE": (_T.INTEGER, _T.NUMBER, _T.DECIMAL, _T.BOOLEAN, _T.STRING),
    "DECIMAL": (_T.INTEGER, _T.NUMBER, _T.DECIMAL),
    "VARCHAR": (_T.STRING, _T.INTEGER, _T.BOOLEAN, _T.OBJECT_ID),
    "BOOLEAN": (_T.BOOLEAN, _T.INTEGER, _T.NUMBER, _T.STRING),
    "DATE": (_T.DATE,),
    "TIMESTAMP": (_T.DATE,),
}
_INSTEAD = {
    ("VARCHAR", _T.DATE): "write strftime(x, '%Y-%m-%d')",
    ("VARCHAR", _T.NUMBER): "write CAST(CAST(x AS BIGINT) AS VARCHAR)",
    ("VARCHAR", _T.DECIMAL): "write CAST(CAST(x AS BIGINT) AS VARCHAR)",
    ("DECIMAL", _T.STRING): "write CAST(CAST(x AS DOUBLE) AS DECIMAL(18, 2))",
    ("DATE", _T.STRING): "store it as a date, or compare the text: ISO dates sort as text",
    ("TIMESTAMP", _T.STRING): "store it as a date, or compare the text: ISO dates sort as text",
}


def cast(context: Context, expr: Expr, _: FieldType | None) -> Typed:
    """CAST or TRY_CAST to a type."""
    written, soft, start, end = expr.value
    target = _target(written)
    inner = expr.args[0]
    typed = context.visit(context, inner, None)
    if isinstance(target, str):
        return context.error((start, end), f"there is no type {written}", target)
    if typed.kind == "wrong":
        return WRONG
    if typed.type is None:
        # What is converted is not what it becomes: a field of unknown type stays so, except that dates come
        # of dates.
        if target.type is not _T.DATE:
            return _untyped(context, inner, typed, target)
        typed = context.taken(typed, _T.DATE)
    if typed.type not in _FROM[target.name]:
        help = _INSTEAD.get(
            (target.name, typed.type or _T.STRING), f"{target.name} comes of {_list(target.name)}"
        )
        return context.error(inner, f"{word(typed.type)} does not convert to {target.name}", help)
    return Typed("cast", target.type, (typed,), (target, bool(soft), context.scope.timezone))


def _untyped(context: Context, inner: Expr, typed: Typed, target: Target) -> Typed:
    if typed.kind == "literal":
        return Typed("literal", target.type)
    if context.learn is not None:
        return WRONG
    help = "declare the type of the field under `fields:`"
    return context.error(inner, "nothing says what type is converted", help)


def _list(name: str) -> str:
    return ", ".join(word(one) for one in _FROM[name])


def _target(written: str) -> Target | str:
    """The type that is meant, or what to write instead."""
    found = re.fullmatch(r"(\w+)\s*(?:\(\s*(\d+)\s*(?:,\s*(\d+)\s*)?\))?", written.strip())
    name = found[1].upper() if found else written.upper()
    name = _SPELLED.get(name, name)
    if name not in _TARGETS:
        close = _REMEDY.get(name) or nearest(name, _TARGETS)
        return f"write {close}" if close else f"the types are {', '.join(_TARGETS)}"
    if found is None or (found[2] and name != "DECIMAL"):
        return f"write {name} alone"
    if not found[2]:
        return _TARGETS[name]
    width, scale = int(found[2]), int(found[3] or 0)
    if not (1 <= width <= 18 and scale <= width):
        return "a decimal has 1 to 18 digits, at most all of them behind the point: DECIMAL(18, 2)"
    return Target(name, FieldType.DECIMAL, before=width - scale, after=scale)

"""Calls of functions."""

from __future__ import annotations

import re
from collections.abc import Sequence

from dashpipe.expr import hints
from dashpipe.expr.ast import Expr
from dashpipe.expr.errors import nearest
from dashpipe.expr.functions import ALIASES, FUNCTIONS, Function, Param
from dashpipe.expr.scope import Typed
from dashpipe.expr.typed.conditions import compared
from dashpipe.expr.typed.context import WRONG, Context
from dashpipe.expr.typed.operators import arithmetic, convert, numeric, unify
from dashpipe.expr.types import FieldType, word

_TYPES = {"text": FieldType.STRING, "date": FieldType.DATE, "array": FieldType.ARRAY}

#: How many digits a double can be rounded to, and a step of ten that a long can hold.
_DIGITS = 15

_HELP = {
    "text": "write CAST(x AS VARCHAR) where it holds a number",
    "date": "a date literal is DATE '2024-01-31'",
    "array": "the length of a text is length(x)",
}


def call(context: Context, expr: Expr, want: FieldType | None) -> Typed:
    """A call."""
    written, start, end = expr.value
    name = written if written in FUNCTIONS else ALIASES.get(written, written)
    function = FUNCTIONS.get(name)
    if function is None:
        return _unknown(context, written, (start, end))
    count = len(expr.args)
    most = count if function.more else len(function.params)
    if not function.least <= count <= most:
        message = f"{written} takes {_amount(function)}, this has {count}"
        return context.error(expr, message, f"write {function.example}")
    if name == "mod":
        return arithmetic(context, expr._replace(kind="binary", value="%"), want)
    if name in ("coalesce", "greatest", "least", "nullif"):
        return _common(context, expr, name, want)
    params = [function.params[min(at, len(function.params) - 1)] for at in range(count)]
    args = [_argument(context, function, param, one) for param, one in zip(params, expr.args)]
    if any(one.kind == "wrong" for one in args):
        return WRONG
    if name in ("floor", "ceil") and args[0].type is FieldType.INTEGER:
        args[0] = convert(args[0], FieldType.NUMBER)
    type_ = function.result or args[0].type
    return Typed("call", type_, tuple(args), (name, context.scope.timezone))


def _amount(function: Function) -> str:
    least, most = function.least, len(function.params)
    words = f"at least {least}" if function.more else str(least) if least == most else f"{least} or {most}"
    return f"{words} argument{'' if words.endswith('1') else 's'}"


def _unknown(context: Context, name: str, at: tuple[int, int]) -> Typed:
    hint = hints.FUNCTIONS.get(name)
    if hint is not None:
        what = (
            "an aggregate"
            if hint.startswith(hints.AGGREGATE)
            else "not a function of the expression language"
        )
        return context.error(at, f"{name} is {what}", hint)
    close = nearest(name, [*FUNCTIONS, *ALIASES])
    help = f"did you mean {close}?" if close else "the functions are listed in docs/reference/expressions.md"
    return context.error(at, f"there is no function {name}", help)


def _common(context: Context, expr: Expr, name: str, want: FieldType | None) -> Typed:
    """Functions whose arguments and result have one type."""
    typed = [context.visit(context, one, want) for one in expr.args]
    if name == "coalesce":
        made = unify(context, expr.args, typed, "stands in one COALESCE with")
    else:
        made = compared(context, expr.args, typed)
    if made is None:
        return WRONG
    return Typed("call", made[0].type, tuple(made), (name, context.scope.timezone))


def _argument(context: Context, function: Function, param: Param, expr: Expr) -> Typed:
    if param.kind == "any":
        return context.visit(context, expr, None)
    why = f"{function.name} needs {_needed(param)}"
    if param.literal:
        return _literal(context, function, param, expr, why)
    if param.kind in ("number", "double"):
        typed = numeric(context, expr, why)
        return convert(typed, FieldType.NUMBER) if param.kind == "double" else typed
    if param.kind == "date" and expr.kind == "text":
        expr = expr._replace(kind="timestamp")
    typed = context.visit(context, expr, None)
    return context.want(expr, typed, _TYPES[param.kind], why, _HELP[param.kind])


_NEEDED = {
    "number": "a number",
    "double": "a number",
    "text": "text",
    "date": "a date",
    "array": "an array",
    "count": "a whole number from 0, written out",
    "place": "a whole number from 1, written out",
    "digits": "a whole number, written out",
    "word": "text, written out",
    "format": "a format, written out",
}


def _needed(param: Param) -> str:
    if param.kind == "part":
        return "one of " + ", ".join(f"'{one}'" for one in param.parts)
    return _NEEDED[param.kind]


def _literal(context: Context, function: Function, param: Param, expr: Expr, why: str) -> Typed:
    typed = context.visit(context, expr, None)
    if typed.kind == "wrong":
        return typed
    value = typed.value if typed.kind == "literal" else None
    textual = param.kind in ("word", "part", "format")
    if textual != isinstance(value, str) or not (
        textual or (isinstance(value, int) and not isinstance(value, bool))
    ):
        given = f"'{expr.value.name}'" if param.kind == "part" and expr.kind == "name" else ""
        help = f"text stands in single quotes: {given}" if given else f"write {function.example}"
        return context.error(expr, f"{why}, and this is {_given(typed)}", help)
    if isinstance(value, str):
        wrong = _wrong_text(param, value)
        if wrong is not None:
            return context.error(expr, f"{why}{wrong}", param.help or f"write {function.example}")
        return typed._replace(value=value.lower()) if param.kind == "part" else typed
    assert isinstance(value, int)
    low, high = {"count": (0, 2**31 - 1), "place": (1, 2**31 - 1), "digits": (-_DIGITS, _DIGITS)}[param.kind]
    if not low <= value <= high:
        help = (
            "the end of a text is right(x, 3)"
            if param.kind in ("count", "place")
            else f"write {low} to {high}"
        )
        return context.error(expr, f"{why}, and this is {value}", help)
    return typed


def _given(typed: Typed) -> str:
    return word(typed.type) if typed.kind == "literal" else "no literal"


def _wrong_text(param: Param, value: str) -> str | None:
    if param.kind == "part" and value.lower() not in param.parts:
        return f", and this is '{value}'"
    if param.kind == "format":
        found: Sequence[str] = re.findall(r"%.?", value, re.DOTALL)
        odd = [one for one in found if one not in param.parts]
        if odd:
            return f" of {' '.join(param.parts)}, and this has {odd[0]}"
    return None

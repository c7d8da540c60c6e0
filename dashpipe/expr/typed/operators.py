"""Arithmetic, and how values of several types meet."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from decimal import Decimal

from dashpipe.expr.ast import Expr
from dashpipe.expr.scope import Typed
from dashpipe.expr.typed.context import WRONG, Context, constant, is_null
from dashpipe.expr.typed.literals import PAST, moment, number
from dashpipe.expr.types import NUMERIC, FieldType, common, word

_INTEGER, _DECIMAL, _NUMBER = FieldType.INTEGER, FieldType.DECIMAL, FieldType.NUMBER

_NUMERAL = re.compile(r"-?\d{1,15}(?:\.\d{1,15})?")

_HELP = {
    FieldType.STRING: "write CAST(x AS DOUBLE) where the text holds a number",
    FieldType.DATE: "the time between two dates is date_diff('day', a, b)",
    FieldType.BOOLEAN: "write CASE WHEN x THEN 1 ELSE 0 END",
    FieldType.ARRAY: "the length of an array is len(x)",
}


def convert(typed: Typed, type_: FieldType) -> Typed:
    """A node as a value of a type that takes it."""
    if typed.type is type_ or typed.kind == "wrong":
        return typed
    if typed.kind == "literal":
        return Typed("literal", type_) if is_null(typed) else number(typed, type_)
    if typed.type is None:
        return Typed(typed.kind, type_, typed.args, typed.value) if typed.kind == "field" else typed
    return Typed("convert", type_, (typed,))


def numeric(context: Context, expr: Expr, why: str, want: FieldType | None = None) -> Typed:
    """A node that must be numeric; where its type is unknown, it is a number."""
    typed = context.visit(context, expr, want)
    if typed.type in NUMERIC or typed.kind == "wrong":
        return typed
    help = _HELP.get(typed.type or _NUMBER, "")
    if typed.kind == "literal" and isinstance(typed.value, str) and _NUMERAL.fullmatch(typed.value):
        help = f"leave the quotes out: {typed.value}"
    return context.want(expr, typed, _NUMBER, why, help)


def negative(context: Context, expr: Expr, want: FieldType | None) -> Typed:
    """A sign."""
    inner = expr.args[0]
    if inner.kind == "int" and inner.value == PAST:
        return Typed("literal", _INTEGER, (), -PAST)
    typed = numeric(context, inner, "a sign needs a number", want)
    if typed.kind == "literal" and typed.value is not None:
        value = typed.value
        return Typed("literal", typed.type, (), value.copy_negate() if isinstance(value, Decimal) else -value)
    return typed if typed.kind == "wrong" else Typed("neg", typed.type, (typed,))


def arithmetic(context: Context, expr: Expr, want: FieldType | None) -> Typed:
    """One of ``+ - * / %``."""
    before = len(context.errors)
    sides = [numeric(context, one, f"{expr.value} computes with numbers", want) for one in expr.args]
    texts = sum(one.help == _HELP[FieldType.STRING] for one in context.errors[before:])
    if expr.value == "+" and texts == len(sides):
        del context.errors[before:]
        return context.error(
            expr, "+ computes with numbers, and this is text", "write concat(a, b) to join it"
        )
    if any(one.kind == "wrong" for one in sides):
        return WRONG
    left, right = meet(context, expr.args, sides)
    if expr.value == "/" and left.type is _INTEGER and right.type is _INTEGER:
        return Typed("arith", _NUMBER, (left, right), "/")
    type_ = common(left.type, right.type)
    assert type_ is not None
    made = Typed("arith", type_, (convert(left, type_), convert(right, type_)), expr.value)
    return _folded(context, expr, made)


def _folded(context: Context, expr: Expr, made: Typed) -> Typed:
    """A whole-number sum of literals, computed: an overflow is seen here and not by the run."""
    left, right = made.args
    if made.type is not _INTEGER or left.kind != "literal" or right.kind != "literal":
        return made
    a, b = left.value, right.value
    if a is None or b is None:
        return Typed("literal", _INTEGER)
    if made.value == "%":
        return Typed(
            "literal", _INTEGER, (), None if b == 0 else int(math.copysign(1, a)) * (abs(a) % abs(b))
        )
    value = a + b if made.value == "+" else a - b if made.value == "-" else a * b
    if not -PAST <= value < PAST:
        return context.error(
            expr, "the result needs more than 64 bits", "write one of the numbers with an exponent: 1e0"
        )
    return Typed("literal", _INTEGER, (), value)


def meet(context: Context, exprs: Sequence[Expr], typed: Sequence[Typed]) -> list[Typed]:
    """Nodes with literals in the type of what they meet: a point beside a decimal, text beside a date."""
    types = {one.type for one in typed if not constant(one)}
    made = list(typed)
    for at, one in enumerate(typed):
        if not constant(one) or one.kind == "wrong" or is_null(one):
            continue
        if _DECIMAL in types and _NUMBER not in types and one.type is _NUMBER:
            again = context.visit(context, exprs[at], _DECIMAL)
            made[at] = again if again.type is _DECIMAL else one
        elif (
            one.kind == "literal"
            and one.type is FieldType.STRING
            and types & {FieldType.DATE, FieldType.OBJECT_ID}
        ):
            made[at] = _read(context, exprs[at], str(one.value), FieldType.DATE in types)
    return made


def _read(context: Context, expr: Expr, text: str, date: bool) -> Typed:
    if date:
        instant = moment(text, context.scope.timezone)
        if instant is not None:
            return Typed("literal", FieldType.DATE, (), instant)
        return context.error(expr, f"'{text}' is no date", "write '2024-01-31' or '2024-01-31 08:30:00'")
    if len(text) == 24 and all(one in "0123456789abcdefABCDEF" for one in text):
        return Typed("literal", FieldType.OBJECT_ID, (), text.lower())
    return context.error(expr, f"'{text}' is no object id", "an object id has 24 hexadecimal digits")


def unify(context: Context, exprs: Sequence[Expr], typed: Sequence[Typed], why: str) -> list[Typed] | None:
    """Nodes in the one type that all take; ``None`` where there is none, which is noted."""
    if any(one.kind == "wrong" for one in typed):
        return None
    made = meet(context, exprs, typed)
    if any(one.kind == "wrong" for one in made):
        return None
    type_: FieldType | None = None
    for at, one in enumerate(made):
        try:
            type_ = common(type_, one.type)
        except TypeError:
            clash(context, exprs, made, at, why)
            return None
    if type_ is None:
        return made
    ambiguous = type_ is FieldType.STRING and any(_dated(one) for one in made)
    learnt = _learnt(type_)
    for one in made:
        if one.type is None:
            context.told(one, learnt, ambiguous)
    return [convert(one, type_) for one in made]


def _dated(typed: Typed) -> bool:
    return typed.kind == "literal" and isinstance(typed.value, str) and moment(typed.value, "UTC") is not None


def _learnt(type_: FieldType) -> FieldType:
    """What a field of unknown type is beside these: a number beside numbers, unless one is a decimal."""
    return _NUMBER if type_ is _INTEGER else type_


def clash(
    context: Context,
    exprs: Sequence[Expr],
    typed: Sequence[Typed],
    at: int,
    why: str,
) -> None:
    """Note that a node does not go with those before it, at a literal where one of them is."""
    before = next(
        i for i in range(at) if typed[i].type is not None and typed[i].type not in (None, typed[at].type)
    )
    field = next(
        (i for i in (before, at) if typed[i].kind == "field" and typed[i].value in context.learnt), None
    )
    if field is not None:
        context.mismatch(
            exprs[field], typed[field], f"{why}: {word(typed[before].type)} and {word(typed[at].type)}"
        )
        return
    wrong, other = (before, at) if constant(typed[before]) and not constant(typed[at]) else (at, before)
    message = f"{word(typed[wrong].type)} {why} {word(typed[other].type)}"
    context.error(exprs[wrong], message, _remedy(typed[wrong], typed[other]))


def _remedy(wrong: Typed, other: Typed) -> str:
    if wrong.kind == "literal" and isinstance(wrong.value, str) and other.type in NUMERIC:
        return (
            f"leave the quotes out: {wrong.value}"
            if _number(wrong.value)
            else "write a number, without quotes"
        )
    if (
        wrong.kind == "literal"
        and other.type is FieldType.STRING
        and isinstance(wrong.value, (int, float, Decimal))
    ):
        return f"text stands in single quotes: '{wrong.value}'"
    if wrong.kind == "literal" and other.type is FieldType.DATE:
        digits = str(wrong.value)
        day = (
            f"{digits[:4]}-{digits[4:6]}-{digits[6:]}"
            if len(digits) == 8 and digits.isdigit()
            else "2024-01-31"
        )
        return f"a date is written as text: '{day}'"
    if FieldType.ARRAY in (wrong.type, other.type):
        return "write list_contains(x, 'a'), or compare len(x)"
    if other.type is FieldType.BOOLEAN:
        return "a true-or-false value is compared with TRUE or FALSE, or stands alone"
    return "convert one of them: CAST(x AS INTEGER), CAST(x AS DOUBLE), CAST(x AS VARCHAR)"


def _number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False

"""Functions of numbers."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from dashpipe.expr.emit.build import in_64_bits, named
from dashpipe.expr.functions.function import ANY, DIGITS, DOUBLE, NUMBER, Emit, Function
from dashpipe.expr.scope import Typed
from dashpipe.expr.types import FieldType

_NUMBER, _INTEGER = FieldType.NUMBER, FieldType.INTEGER


def whole(value: Any) -> Any:
    """A number rounded to a whole one, halves away from zero (``$round`` takes them to the even one)."""

    def rounded(x: Any) -> Any:
        step = {"$cond": [{"$gte": [{"$abs": {"$subtract": [x, "$$w"]}}, 0.5]}, {"$cmp": [x, 0]}, 0]}
        return {"$let": {"vars": {"w": {"$trunc": x}}, "in": {"$add": ["$$w", step]}}}

    return named("x", value, rounded)


def _round(args: list[Any], call: Typed) -> Any:
    digits = args[1] if len(args) > 1 else 0
    if call.type is _INTEGER:
        return args[0] if digits >= 0 else _tens(args[0], 10**-digits)
    if digits == 0:
        return whole(args[0])
    factor: Any = 10 ** abs(digits)
    factor = Decimal(factor) if call.type is FieldType.DECIMAL else float(factor)
    into, back = ("$multiply", "$divide") if digits > 0 else ("$divide", "$multiply")
    return {back: [whole({into: [args[0], factor]}), factor]}


def _tens(value: Any, step: int) -> Any:
    """A whole number rounded to a multiple of a power of ten, halves away from zero."""

    def rounded(x: Any) -> Any:
        far = in_64_bits({"$add": [x, {"$multiply": [{"$cmp": [x, 0]}, step // 2]}]})
        return {"$let": {"vars": {"far": far}, "in": {"$subtract": ["$$far", {"$mod": ["$$far", step]}]}}}

    return named("x", value, rounded)


def _abs(args: list[Any], call: Typed) -> Any:
    return in_64_bits({"$abs": args[0]}) if call.type is _INTEGER else {"$abs": args[0]}


def _one(operator: str) -> Emit:
    return lambda args, _: {operator: args[0]}


FUNCTIONS = (
    Function("abs", "abs(number)", (NUMBER,), None, "the number without its sign", "abs(delay)", _abs, 1),
    Function(
        "round",
        "round(number [, digits])",
        (NUMBER, DIGITS),
        None,
        "rounded, halves away from zero",
        "round(total, 2)",
        _round,
        1,
    ),
    Function(
        "floor",
        "floor(number)",
        (NUMBER,),
        None,
        "the whole number at or below",
        "floor(total / 10)",
        _one("$floor"),
        1,
    ),
    Function(
        "ceil",
        "ceil(number)",
        (NUMBER,),
        None,
        "the whole number at or above",
        "ceil(minutes)",
        _one("$ceil"),
        1,
    ),
    Function(
        "sign",
        "sign(number)",
        (NUMBER,),
        _INTEGER,
        "-1, 0 or 1",
        "sign(balance)",
        lambda args, _: {"$cmp": [args[0], 0]},
        1,
    ),
    Function(
        "sqrt",
        "sqrt(number)",
        (DOUBLE,),
        _NUMBER,
        "the square root; the run fails below zero",
        "sqrt(area)",
        _one("$sqrt"),
        1,
    ),
    Function(
        "ln",
        "ln(number)",
        (DOUBLE,),
        _NUMBER,
        "the natural logarithm; the run fails at zero and below",
        "ln(views + 1)",
        _one("$ln"),
        1,
    ),
    Function(
        "log10",
        "log10(number)",
        (DOUBLE,),
        _NUMBER,
        "the logarithm to the base 10; the run fails at zero and below",
        "log10(views + 1)",
        _one("$log10"),
        1,
    ),
    Function(
        "exp", "exp(number)", (DOUBLE,), _NUMBER, "e to the power of the number", "exp(rate)", _one("$exp"), 1
    ),
    Function(
        "power",
        "power(base, exponent)",
        (DOUBLE, DOUBLE),
        _NUMBER,
        "the base to the power of the exponent",
        "power(1.02, years)",
        lambda args, _: {"$pow": args},
        2,
    ),
    Function(
        "mod", "mod(number, divisor)", (NUMBER, NUMBER), None, "the remainder, as `%`", "mod(id, 10)", None, 2
    ),
    Function(
        "greatest",
        "greatest(value, …)",
        (ANY,),
        None,
        "the greatest of the values that are not NULL",
        "greatest(offer, floor_price)",
        None,
        1,
        more=True,
    ),
    Function(
        "least",
        "least(value, …)",
        (ANY,),
        None,
        "the least of the values that are not NULL",
        "least(stock, demand)",
        None,
        1,
        more=True,
    ),
    Function(
        "coalesce",
        "COALESCE(value, …)",
        (ANY,),
        None,
        "the first value that is not NULL",
        "COALESCE(discount, 0)",
        None,
        1,
        more=True,
    ),
    Function(
        "nullif",
        "NULLIF(value, other)",
        (ANY, ANY),
        None,
        "the value, or NULL where both are equal",
        "NULLIF(seats, 0)",
        None,
        2,
    ),
)

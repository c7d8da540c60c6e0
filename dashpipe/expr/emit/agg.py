"""Typed nodes to aggregation expressions with SQL's meaning."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from dashpipe.expr import guard
from dashpipe.expr.emit import casts, condition
from dashpipe.expr.emit.build import constant, either, in_64_bits, named
from dashpipe.expr.emit.value import Value, plain, strict, through
from dashpipe.expr.functions import FUNCTIONS
from dashpipe.expr.scope import Typed
from dashpipe.expr.types import FieldType

Metrics = Mapping[str, Any]

_OPERATORS = {"+": "$add", "-": "$subtract", "*": "$multiply", "/": "$divide", "%": "$mod"}
_CONVERT = {FieldType.NUMBER: "$toDouble", FieldType.DECIMAL: "$toDecimal", FieldType.INTEGER: "$toLong"}
_BOOLEAN_KINDS = frozenset({"and", "or", "not", "isnull", "distinct", "in", "like", "cmp"})


def to_agg(typed: Typed, metrics: Mapping[str, Any] | None = None) -> Any:
    """The aggregation expression of an expression: its value, or null.

    Args:
        typed: The expression.
        metrics: In a derived metric, the expression of the column that each metric's name stands for.
    """
    return plain(value(typed, metrics or {}))


def value(typed: Typed, metrics: Metrics) -> Value:
    """The value of a node."""
    if typed.kind in _BOOLEAN_KINDS:
        return condition.value(typed, metrics)
    return _STEPS[typed.kind](typed, metrics)


def _literal(typed: Typed, _: Metrics) -> Value:
    return Value(None, (False,)) if typed.value is None else Value(constant(typed))


def _field(typed: Typed, _: Metrics) -> Value:
    return Value(guard.raw(typed.value, typed.type), guard.tests(typed.value, typed.type))


def _mongo(typed: Typed, _: Metrics) -> Value:
    # A variable has the tests of a field: `$$v` is the field `$v`.
    inner = plain(Value(guard.raw("$v", typed.type), guard.tests("$v", typed.type)))
    return Value({"$let": {"vars": {"v": typed.value}, "in": inner}}, nullable=True)


def _metric(typed: Typed, metrics: Metrics) -> Value:
    return Value(metrics[typed.value], nullable=True)


def _convert(typed: Typed, metrics: Metrics) -> Value:
    return through(
        [value(typed.args[0], metrics)], lambda args: {_CONVERT[typed.type or FieldType.NUMBER]: args[0]}
    )


def _neg(typed: Typed, metrics: Metrics) -> Value:
    made = through([value(typed.args[0], metrics)], lambda args: {"$multiply": [args[0], -1]})
    return _whole(typed, made)


def _whole(typed: Typed, made: Value) -> Value:
    return (
        Value(in_64_bits(made.expr), made.guards, made.nullable) if typed.type is FieldType.INTEGER else made
    )


def _arith(typed: Typed, metrics: Metrics) -> Value:
    left, right = (value(one, metrics) for one in typed.args)
    operator = _OPERATORS[typed.value]
    if typed.value not in ("/", "%"):
        return _whole(typed, through([left, right], lambda args: {operator: args}))
    divisor = typed.args[1]
    if divisor.kind == "literal":
        if divisor.value == 0:
            return Value(None, (False,))
        return through([left, right], lambda args: {operator: args})

    def divided(args: list[Any]) -> Any:
        return named("d", args[1], lambda d: {"$cond": [{"$eq": [d, 0]}, None, {operator: [args[0], d]}]})

    made = through([left, right], divided)
    return Value(made.expr, made.guards, nullable=True)


def _case(typed: Typed, metrics: Metrics) -> Value:
    *pairs, otherwise = typed.args
    branches = [
        {"case": condition.true(when, metrics), "then": to_agg(then, metrics)}
        for when, then in zip(pairs[::2], pairs[1::2])
    ]
    last = to_agg(otherwise, metrics)
    if len(branches) == 1:
        return Value(either(branches[0]["case"], branches[0]["then"], last), nullable=True)
    return Value({"$switch": {"branches": branches, "default": last}}, nullable=True)


def _call(typed: Typed, metrics: Metrics) -> Value:
    name = typed.value[0]
    if name in _OWN:
        return _OWN[name](typed, metrics)
    function = FUNCTIONS[name]
    emit = function.emit
    assert emit is not None
    values = [
        Value(one.value) if param.literal else value(one, metrics)
        for one, param in zip(typed.args, function.params)
    ]
    return strict(values, lambda args: emit(args, typed))


def _coalesce(typed: Typed, metrics: Metrics) -> Value:
    values = [value(one, metrics) for one in typed.args]
    sure = any(not one.nullable and not one.guards for one in values)
    exprs = [plain(one) for one in values]
    return Value(exprs[0] if len(exprs) == 1 else {"$ifNull": exprs}, nullable=not sure)


def _extreme(operator: str) -> Callable[[Typed, Metrics], Value]:
    def emit(typed: Typed, metrics: Metrics) -> Value:
        return Value({operator: [to_agg(one, metrics) for one in typed.args]}, nullable=True)

    return emit


def _nullif(typed: Typed, metrics: Metrics) -> Value:
    first, other = (to_agg(one, metrics) for one in typed.args)
    made = named("n", first, lambda n: {"$cond": [{"$eq": [n, other]}, None, n]})
    return Value(made, nullable=True)


def _concat(typed: Typed, metrics: Metrics) -> Value:
    values = [value(one, metrics) for one in typed.args]
    parts = [
        one.expr if not one.guards and not one.nullable else {"$ifNull": [plain(one), ""]} for one in values
    ]
    return Value({"$concat": parts})


def _cast(typed: Typed, metrics: Metrics) -> Value:
    return casts.cast(typed, value(typed.args[0], metrics))


_OWN: dict[str, Callable[[Typed, Metrics], Value]] = {
    "coalesce": _coalesce,
    "greatest": _extreme("$max"),
    "least": _extreme("$min"),
    "nullif": _nullif,
    "concat": _concat,
}

_STEPS: dict[str, Callable[[Typed, Metrics], Value]] = {
    "literal": _literal,
    "field": _field,
    "metric": _metric,
    "mongo": _mongo,
    "convert": _convert,
    "neg": _neg,
    "arith": _arith,
    "case": _case,
    "call": _call,
    "cast": _cast,
}

"""From a tree to a typed one: names resolved, types checked, every mistake noted."""

from __future__ import annotations

from collections.abc import Callable

from dashpipe.expr.ast import Expr
from dashpipe.expr.errors import ExpressionErrors
from dashpipe.expr.scope import Scope, Typed
from dashpipe.expr.typed import calls, casts, conditions, literals, names, operators
from dashpipe.expr.typed.context import Context
from dashpipe.expr.types import NUMERIC, FieldType, word

Visit = Callable[[Context, Expr, "FieldType | None"], Typed]

_ARITHMETIC = frozenset("+-*/%")


def _binary(context: Context, expr: Expr, want: FieldType | None) -> Typed:
    step = operators.arithmetic if expr.value in _ARITHMETIC else conditions.comparison
    return step(context, expr, want)


_STEPS: dict[str, Visit] = {
    **dict.fromkeys(("null", "bool", "int", "point", "float", "text", "date", "timestamp"), literals.literal),
    **dict.fromkeys(("and", "or", "not"), conditions.logic),
    "name": names.name,
    "neg": operators.negative,
    "binary": _binary,
    "in": conditions.in_,
    "between": conditions.between,
    "isnull": conditions.isnull,
    "like": conditions.like,
    "distinct": conditions.distinct,
    "case": conditions.case,
    "cast": casts.cast,
    "call": calls.call,
}


def visit(context: Context, expr: Expr, want: FieldType | None) -> Typed:
    """A node with its type. ``want`` is what literals become where they may."""
    return _STEPS[expr.kind](context, expr, want)


def read(context: Context, expr: Expr, expected: FieldType | None) -> Typed:
    """A whole expression, held to the type that is expected of it (any numeric where one is)."""
    if expected is FieldType.BOOLEAN:
        return conditions.condition(context, expr, "a condition is needed")
    typed = visit(context, expr, None)
    if expected is None:
        return typed
    help = "write CAST(x AS DOUBLE) where it holds a number; documents are counted by `type: count`"
    return context.want(
        expr, typed, expected, f"{word(expected)} is needed", help if expected in NUMERIC else ""
    )


def check(expr: Expr, scope: Scope, expected: FieldType | None) -> Typed:
    """Give an expression its types.

    Args:
        expr: The tree.
        scope: What its names mean.
        expected: The type that is needed, any numeric one where it is numeric; ``None``: any.

    Raises:
        ExpressionErrors: Names, types or functions are wrong; all mistakes.
    """
    context = Context(scope, visit)
    typed = read(context, expr, expected)
    if context.errors:
        raise ExpressionErrors(context.errors)
    return typed

"""Comparison, AND, OR, NOT, IN, BETWEEN, LIKE, IS, CASE."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dashpipe.expr.ast import Expr
from dashpipe.expr.like import Pattern
from dashpipe.expr.scope import Typed
from dashpipe.expr.typed.context import WRONG, Context, is_null
from dashpipe.expr.typed.operators import unify
from dashpipe.expr.types import NUMERIC, FieldType, word

_BOOLEAN = FieldType.BOOLEAN


def boolean(kind: str, *args: Typed, value: Any = None) -> Typed:
    """A node that is true, false or NULL; a mistake below it is one here."""
    return WRONG if any(one.kind == "wrong" for one in args) else Typed(kind, _BOOLEAN, args, value)


def condition(context: Context, expr: Expr, why: str) -> Typed:
    """A node that must be true or false."""
    typed = context.visit(context, expr, None)
    tests = {FieldType.STRING: "= 'a'", FieldType.DATE: ">= DATE '2024-01-31'"}
    test = "> 0" if typed.type in NUMERIC else tests.get(typed.type or _BOOLEAN, "IS NOT NULL")
    return context.want(expr, typed, _BOOLEAN, why, f"compare it: {called(expr)} {test}")


def logic(context: Context, expr: Expr, _: FieldType | None) -> Typed:
    """AND, OR, NOT."""
    word_ = expr.kind.upper()
    why = "NOT turns a condition round" if expr.kind == "not" else f"{word_} joins conditions"
    return boolean(expr.kind, *(condition(context, one, why) for one in expr.args))


def compared(context: Context, exprs: Sequence[Expr], typed: Sequence[Typed]) -> list[Typed] | None:
    """Nodes that are compared with each other, in one type that has an order."""
    made = unify(context, exprs, typed, "is compared with")
    if made is None:
        return None
    for expr, one in zip(exprs, made):
        if one.type is FieldType.ARRAY:
            context.mismatch(
                expr, one, "an array is compared as a whole", "write len(x) = 2, or list_contains(x, 'a')"
            )
            return None
    if (
        all(one.type is None for one in made)
        and context.learn is None
        and any(not is_null(one) for one in made)
    ):
        help = "declare the type of one under `fields:`"
        context.error((exprs[0].start, exprs[-1].end), "nothing says what type these values have", help)
        return None
    return made


def comparison(context: Context, expr: Expr, _: FieldType | None) -> Typed:
    """One of ``= <> < <= > >=``."""
    sides = [context.visit(context, one, None) for one in expr.args]
    for at, one in enumerate(sides):
        if is_null(one) and expr.args[at].kind == "null":
            other = called(expr.args[1 - at])
            form = "IS NOT NULL" if expr.value == "<>" else "IS NULL"
            return context.error(
                expr, f"a comparison with NULL is never true: {expr.value} NULL", f"write {other} {form}"
            )
    made = compared(context, expr.args, sides)
    return WRONG if made is None else boolean("cmp", *made, value=expr.value)


def called(expr: Expr) -> str:
    """How a node is called in a remedy: its name, or x."""
    return str(expr.value.name) if expr.kind == "name" else "x"


def distinct(context: Context, expr: Expr, _: FieldType | None) -> Typed:
    """IS [NOT] DISTINCT FROM, IS [NOT] TRUE."""
    made = compared(context, expr.args, [context.visit(context, one, None) for one in expr.args])
    if made is None:
        return WRONG
    node = boolean("distinct", *made)
    return boolean("not", node) if expr.value else node


def isnull(context: Context, expr: Expr, _: FieldType | None) -> Typed:
    """IS [NOT] NULL."""
    node = boolean("isnull", context.visit(context, expr.args[0], None))
    return boolean("not", node) if expr.value else node


def in_(context: Context, expr: Expr, _: FieldType | None) -> Typed:
    """[NOT] IN a list: of literals, one look-up; of other values, comparisons."""
    made = compared(context, expr.args, [context.visit(context, one, None) for one in expr.args])
    if made is None:
        return WRONG
    operand, *values = made
    if all(one.kind == "literal" for one in values) and operand.type is not FieldType.OBJECT_ID:
        node = boolean("in", operand, value=tuple(one.value for one in values))
    else:
        node = boolean("or", *(boolean("cmp", operand, one, value="=") for one in values))
    return boolean("not", node) if expr.value else node


def between(context: Context, expr: Expr, _: FieldType | None) -> Typed:
    """[NOT] BETWEEN; both ends count."""
    made = compared(context, expr.args, [context.visit(context, one, None) for one in expr.args])
    if made is None:
        return WRONG
    x, low, high = made
    node = boolean("and", boolean("cmp", x, low, value=">="), boolean("cmp", x, high, value="<="))
    return boolean("not", node) if expr.value else node


def like(context: Context, expr: Expr, _: FieldType | None) -> Typed:
    """[NOT] LIKE a pattern that is a literal."""
    negated, escape = expr.value
    help = "write x >= 5, or CAST(x AS VARCHAR) LIKE '5%'"
    operand = context.visit(context, expr.args[0], None)
    operand = context.want(expr.args[0], operand, FieldType.STRING, "LIKE compares text", help)
    pattern = context.visit(context, expr.args[1], None)
    if pattern.kind == "wrong" or operand.kind == "wrong":
        return WRONG
    if (
        pattern.kind != "literal"
        or not isinstance(pattern.value, str)
        or pattern.type is not FieldType.STRING
    ):
        form = word(pattern.type) if pattern.kind == "literal" else "no literal"
        return context.error(
            expr.args[1], f"the pattern of LIKE is {form}", "write it as text: LIKE 'abc%'; or contains(x, y)"
        )
    try:
        node = boolean("like", operand, value=Pattern.read(pattern.value, escape))
    except ValueError:
        return context.error(
            expr.args[1], "the pattern ends with its escape character", "write that character twice"
        )
    return boolean("not", node) if negated else node


def case(context: Context, expr: Expr, want: FieldType | None) -> Typed:
    """CASE, in either form, as one of conditions."""
    has_operand, has_else = expr.value
    parts = list(expr.args)
    operand = parts.pop(0) if has_operand else None
    otherwise = parts.pop() if has_else else None
    whens, thens = parts[::2], parts[1::2]
    if operand is None:
        tests = [condition(context, one, "WHEN needs a condition") for one in whens]
    else:
        made = compared(
            context, [operand, *whens], [context.visit(context, one, None) for one in (operand, *whens)]
        )
        tests = [WRONG] if made is None else [boolean("cmp", made[0], one, value="=") for one in made[1:]]
    exprs = thens if otherwise is None else [*thens, otherwise]
    values = unify(
        context, exprs, [context.visit(context, one, want) for one in exprs], "stands in one CASE with"
    )
    if values is None or any(one.kind == "wrong" for one in tests):
        return WRONG
    last = values.pop() if otherwise is not None else Typed("literal", values[0].type)
    type_ = next((one.type for one in (*values, last) if one.type is not None), None)
    args = tuple(one for pair in zip(tests, values) for one in pair)
    return Typed("case", type_, (*args, last))

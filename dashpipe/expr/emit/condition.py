"""Conditions: tests that hold exactly where a condition is TRUE, or exactly where it is FALSE.

Three-valued logic needs no third value there: NOT asks for the other test, and NULL passes neither.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from dashpipe.expr import guard
from dashpipe.expr.emit import agg
from dashpipe.expr.emit import value as values
from dashpipe.expr.emit.build import all_of, any_of, constant, either, named, negation
from dashpipe.expr.emit.value import Value, known, plain, strict
from dashpipe.expr.functions import text
from dashpipe.expr.like import Pattern
from dashpipe.expr.scope import Typed
from dashpipe.expr.types import FieldType

Metrics = Mapping[str, Any]

#: Comparisons, and what each becomes with its sides or its truth turned round.
OPERATORS = {"=": "$eq", "<>": "$ne", "<": "$lt", "<=": "$lte", ">": "$gt", ">=": "$gte"}
FLIPPED = {"=": "=", "<>": "<>", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
OPPOSITE = {"=": "<>", "<>": "=", "<": ">=", "<=": ">", ">": "<=", ">=": "<"}


def to_condition(typed: Typed) -> Any:
    """The aggregation expression that is true exactly where a condition is TRUE, else false, never null."""
    return true(typed, {})


def true(typed: Typed, metrics: Metrics) -> Any:
    """A test that holds exactly where a condition is TRUE."""
    return _test(typed, metrics, wanted=True)


def false(typed: Typed, metrics: Metrics) -> Any:
    """A test that holds exactly where a condition is FALSE."""
    return _test(typed, metrics, wanted=False)


def _test(typed: Typed, metrics: Metrics, wanted: bool) -> Any:
    kind = typed.kind
    if kind == "not":
        return _test(typed.args[0], metrics, not wanted)
    if kind in ("and", "or"):
        join = all_of if (kind == "and") is wanted else any_of
        return join([_test(one, metrics, wanted) for one in typed.args])
    if kind == "isnull":
        there = all_of(known(agg.value(typed.args[0], metrics)))
        return negation(there) if wanted else there
    if kind == "distinct":
        sides = [_or_null(one, metrics) for one in typed.args]
        return {"$ne" if wanted else "$eq": sides}
    if kind == "cmp":
        return _compared(typed, metrics, typed.value if wanted else OPPOSITE[typed.value])
    if kind == "case":
        return _case(typed, metrics, wanted)
    if kind == "in" and None in typed.value:
        if not wanted:
            return False
        typed = typed._replace(value=tuple(one for one in typed.value if one is not None))
    if typed.type is FieldType.BOOLEAN and kind == "field":
        return {"$eq": [f"${typed.value}", wanted]}
    made = (
        _in(typed, metrics)
        if kind == "in"
        else _like(typed, metrics)
        if kind == "like"
        else agg.value(typed, metrics)
    )
    return values.true(made) if wanted else values.false(made)


def _or_null(typed: Typed, metrics: Metrics) -> Any:
    made = plain(agg.value(typed, metrics))
    return {"$ifNull": [made, None]} if isinstance(made, str) and made.startswith("$") else made


def _case(typed: Typed, metrics: Metrics, wanted: bool) -> Any:
    *pairs, otherwise = typed.args
    result = _test(otherwise, metrics, wanted)
    for when, then in reversed(list(zip(pairs[::2], pairs[1::2]))):
        result = either(true(when, metrics), _test(then, metrics, wanted), result)
    return result


def _compared(typed: Typed, metrics: Metrics, operator: str) -> Any:
    left, right = typed.args
    if left.kind == "literal" and right.kind != "literal":
        left, right, operator = right, left, FLIPPED[operator]
    if left.kind == "field" and right.kind == "literal" and right.value is not None:
        return _field(left, operator, constant(right))
    return values.true(strict([agg.value(left, metrics), agg.value(right, metrics)], _operator(operator)))


def _operator(operator: str) -> Any:
    return lambda args: {OPERATORS[operator]: args}


def _field(field: Typed, operator: str, literal: Any) -> Any:
    """A field against a literal: the cheapest test that most documents fail comes first.

    What the comparison itself says of the type is not tested again.
    """
    at, type_ = f"${field.value}", field.type
    guards = guard.tests(field.value, type_)
    exact = {OPERATORS[operator]: [guard.raw(field.value, type_), literal]}
    if type_ is FieldType.NUMBER:
        return all_of([*_near(at, operator, literal), exact])
    plain_ = {OPERATORS[operator]: [at, literal]}
    if type_ is FieldType.INTEGER:
        # Engines compare longs with doubles right up to 2^53; beyond it both are made longs first.
        return all_of([plain_, *guards] if abs(literal) <= 2**53 else [*guards, exact])
    if type_ in (FieldType.DECIMAL, None):
        return all_of([*guards, exact])
    return plain_ if operator == "=" else all_of([plain_, *guards])


def _near(at: str, operator: str, literal: float) -> list[Any]:
    """Bounds that hold for every number that compares so when read as a double, and for numbers only."""
    low = math.nextafter(literal, -math.inf) if operator in (">", ">=", "=") else -guard.MOST
    high = math.nextafter(literal, math.inf) if operator in ("<", "<=", "=") else guard.MOST
    return [{"$gte": [at, max(low, -guard.MOST)]}, {"$lte": [at, min(high, guard.MOST)]}]


def value(typed: Typed, metrics: Metrics) -> Value:
    """The value of a condition where it stands as one: true, false or NULL."""
    if typed.kind == "cmp":
        return strict([agg.value(one, metrics) for one in typed.args], _operator(typed.value))
    if typed.kind == "in":
        return _in(typed, metrics)
    if typed.kind == "like":
        return _like(typed, metrics)
    if typed.kind in ("isnull", "distinct"):
        return Value(true(typed, metrics))
    if typed.kind == "not":
        inner = (
            value(typed.args[0], metrics)
            if typed.args[0].kind != "literal"
            else agg.value(typed.args[0], metrics)
        )
        return strict([inner], lambda args: negation(args[0]))
    yes, no = true(typed, metrics), false(typed, metrics)
    return Value(either(yes, True, either(no, False, None)), nullable=True)


def _in(typed: Typed, metrics: Metrics) -> Value:
    literals = [
        constant(Typed("literal", typed.args[0].type, (), one)) for one in typed.value if one is not None
    ]
    made = strict([agg.value(typed.args[0], metrics)], lambda args: {"$in": [args[0], literals]})
    if None not in typed.value:
        return made
    return Value(either(values.true(made), True, None), nullable=True)


def _like(typed: Typed, metrics: Metrics) -> Value:
    pattern: Pattern = typed.value
    return strict([agg.value(typed.args[0], metrics)], lambda args: _matched(args[0], pattern))


def _matched(value_: Any, pattern: Pattern) -> Any:
    def text_(part: str) -> Any:
        return constant(Typed("literal", FieldType.STRING, (), part))

    if pattern.parts == (None,):
        return True
    if pattern.exact is not None:
        return {"$eq": [value_, text_(pattern.exact)]}
    if pattern.prefix is not None:
        return text.starts_with(value_, text_(pattern.prefix))
    if pattern.suffix is not None:
        return named("s", value_, lambda s: text.ends_with(s, text_(pattern.suffix or "")))
    if pattern.inner is not None:
        return text.contains(value_, text_(pattern.inner))
    return {
        "$regexMatch": {"input": {"$concat": [value_, "|"]}, "regex": text_(pattern.regex()), "options": "s"}
    }

"""Conditions in query form, which indexes serve; what cannot be said there stays an expression."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from dashpipe.expr import guard
from dashpipe.expr.emit.build import python
from dashpipe.expr.emit.condition import FLIPPED, OPPOSITE
from dashpipe.expr.emit.doubles import bounds
from dashpipe.expr.like import Pattern, escaped
from dashpipe.expr.scope import Typed
from dashpipe.expr.types import FieldType

Query = dict[str, Any]

_OPERATORS = {"=": "$eq", "<": "$lt", "<=": "$lte", ">": "$gt", ">=": "$gte"}
_TEXT = FieldType.STRING


class Pushed(NamedTuple):
    """A condition in two parts, which hold together exactly where it is TRUE: a filter, and the rest."""

    query: Query
    residual: Typed | None = None


class _Part(NamedTuple):
    """A filter that passes at least the documents of a condition; ``exact``: only these."""

    query: Query | None
    exact: bool


_NOTHING = _Part(None, exact=False)
_ALWAYS, _NEVER = _Part({}, exact=True), _Part({"$nor": [{}]}, exact=True)


def to_query(typed: Typed) -> Pushed:
    """Split a condition into what query form can say and the rest."""
    queries: list[Query] = []
    rest: list[Typed] = []
    for one in _conjuncts(typed):
        part = _part(one, wanted=True)
        if part.query:
            queries.append(part.query)
        if not part.exact:
            rest.append(one)
    residual = (
        None if not rest else rest[0] if len(rest) == 1 else Typed("and", FieldType.BOOLEAN, tuple(rest))
    )
    return Pushed(_all(queries), residual)


def _conjuncts(typed: Typed) -> list[Typed]:
    if typed.kind != "and":
        return [typed]
    return [one for arg in typed.args for one in _conjuncts(arg)]


def _all(queries: Sequence[Query]) -> Query:
    if not queries:
        return {}
    return queries[0] if len(queries) == 1 else {"$and": list(queries)}


def _part(typed: Typed, wanted: bool) -> _Part:
    """The filter for where a condition is TRUE, or FALSE."""
    kind = typed.kind
    if kind == "not":
        return _part(typed.args[0], not wanted)
    if kind in ("and", "or"):
        return _joined([_part(one, wanted) for one in typed.args], (kind == "and") is wanted)
    if kind == "literal":
        return _ALWAYS if typed.value is wanted else _NEVER
    if kind == "isnull":
        return _isnull(typed.args[0], wanted)
    if kind == "cmp":
        return _compared(typed, typed.value if wanted else OPPOSITE[typed.value])
    if kind == "field" and typed.type is FieldType.BOOLEAN:
        return _exact(guard.scalar(typed.value, FieldType.BOOLEAN, {"$eq": wanted}))
    subject = typed.args[0] if typed.args else None
    if subject is None or subject.kind != "field" or subject.type is None:
        return _NOTHING
    if kind == "in":
        return _in(subject, typed.value, wanted)
    if kind == "like":
        return _like(subject, typed.value) if wanted else _NOTHING
    if kind == "call" and wanted and typed.value[0] == "list_contains":
        return _element(subject, typed.args[1])
    if kind == "call" and wanted and typed.value[0] == "starts_with" and typed.args[1].kind == "literal":
        return _like(subject, Pattern((typed.args[1].value, None)))
    return _NOTHING


def _exact(query: Query) -> _Part:
    return _Part(query, exact=True)


def _joined(parts: Sequence[_Part], every: bool) -> _Part:
    if every:
        found = [one.query for one in parts if one.query]
        return (
            _Part(_all(found) if found else None, all(one.exact for one in parts))
            if found
            else _nothing(parts)
        )
    if any(one.query is None or not one.query for one in parts):
        return _ALWAYS if any(one.exact and one.query == {} for one in parts) else _NOTHING
    return _Part({"$or": [one.query for one in parts]}, all(one.exact for one in parts))


def _nothing(parts: Sequence[_Part]) -> _Part:
    return _ALWAYS if all(one.exact for one in parts) else _NOTHING


def _isnull(field: Typed, wanted: bool) -> _Part:
    if field.kind != "field" or field.type is None:
        return _NOTHING
    there = guard.query(field.value, field.type)
    return _exact({"$nor": [there]} if wanted else there)


def _compared(typed: Typed, operator: str) -> _Part:
    left, right = typed.args
    if left.kind == "literal":
        left, right, operator = right, left, FLIPPED[operator]
    if right.kind != "literal" or right.value is None:
        return _NOTHING
    if left.kind == "convert" and left.args[0].kind == "field" and isinstance(python(right), float):
        # A whole number beside a double: the bounds are right, what the field may hold is not told by them.
        return _Part(_doubles(left.args[0].value, operator, right), exact=False)
    if left.kind != "field" or left.type in (None, FieldType.OBJECT_ID):
        return _NOTHING
    return _exact(_field(left, operator, right))


def _field(field: Typed, operator: str, literal: Typed) -> Query:
    path, type_ = field.value, field.type
    assert type_ is not None
    if type_ is FieldType.NUMBER:
        return _doubles(path, operator, literal)
    value = python(literal)
    if operator == "<>":
        return _all([guard.query(path, type_), {path: {"$ne": value}}])
    own = {_OPERATORS[operator]: value}
    if operator != "=":
        own |= _edges(type_, operator)
    return guard.scalar(path, type_, own)


def _edges(type_: FieldType, operator: str) -> Query:
    """What an open range needs besides, so that it takes only values of the type."""
    below = operator in ("<", "<=")
    if type_ is FieldType.INTEGER:
        return {**({"$gte": -guard.PAST} if below else {"$lt": guard.PAST}), "$bitsAllClear": 0}
    if type_ is FieldType.DECIMAL:
        return {"$gt": Decimal("-Infinity")} if below else {"$lt": Decimal("Infinity")}
    return {}


def _doubles(path: str, operator: str, literal: Typed) -> Query:
    value = python(literal)
    assert isinstance(value, float)
    low, high = bounds(value)
    number = FieldType.NUMBER
    if operator == "<>":
        same = {path: {"$gte": low, "$lte": high}}
        return _all([guard.query(path, number), {"$nor": [same]}])
    ranges: dict[str, Query] = {
        "=": {"$gte": low, "$lte": high},
        "<": {"$gte": -guard.MOST, "$lt": low},
        "<=": {"$gte": -guard.MOST, "$lte": high},
        ">": {"$gt": high, "$lte": guard.MOST},
        ">=": {"$gte": low, "$lte": guard.MOST},
    }
    return guard.scalar(path, number, ranges[operator])


def _in(field: Typed, values: Sequence[Any], wanted: bool) -> _Part:
    path, type_ = field.value, field.type
    assert type_ is not None
    if None in values and not wanted:
        return _NEVER
    literals = [Typed("literal", type_, (), one) for one in values if one is not None]
    if not literals:
        return _NEVER
    if type_ is FieldType.NUMBER:
        found = [_doubles(path, "=", one) for one in literals]
        same = found[0] if len(found) == 1 else {"$or": found}
    else:
        same = guard.scalar(path, type_, {"$in": [python(one) for one in literals]})
    return _exact(same if wanted else _all([guard.query(path, type_), {"$nor": [same]}]))


def _like(field: Typed, pattern: Pattern) -> _Part:
    path = field.value
    if pattern.exact is not None:
        return _exact(guard.scalar(path, _TEXT, {"$eq": pattern.exact}))
    if pattern.parts == (None,):
        return _exact(guard.query(path, _TEXT))
    if pattern.inner is not None:
        regex, exact = escaped(pattern.inner), True
    elif pattern.start:
        regex, exact = f"^{escaped(pattern.start)}", pattern.prefix is not None
    else:
        return _NOTHING
    return _Part(guard.scalar(path, _TEXT, {"$type": "string", "$regex": regex}), exact)


def _element(field: Typed, element: Typed) -> _Part:
    """An index on an array has its elements; that the field is an array at all is left to say."""
    value = python(element) if element.kind == "literal" else None
    if value is None or isinstance(value, (float, Decimal)) or element.type is FieldType.OBJECT_ID:
        return _NOTHING
    return _Part(guard.scalar(field.value, FieldType.ARRAY, {"$eq": value}), exact=False)

"""Which stored values a field of a type takes: as tests in an expression and as a filter in query form.

The two agree on every BSON value; null and missing pass neither. Bounds rely on BSON's order of types: NaN
lies below every number, text above, MinKey below null.
"""

from __future__ import annotations

import math
import sys
from decimal import Decimal
from typing import Any

from dashpipe.expr.emit.build import all_of, any_of, negation, present
from dashpipe.expr.types import FieldType

#: The greatest double: a number beyond it has no value as a double.
MOST = sys.float_info.max
#: Whole doubles from ``-PAST`` up to but without ``PAST`` fit 64 bits.
PAST = 2.0**63
_ENDLESS = Decimal("Infinity")

#: The BSON type of the types that have one.
BSON = {
    FieldType.STRING: "string",
    FieldType.BOOLEAN: "bool",
    FieldType.DATE: "date",
    FieldType.OBJECT_ID: "objectId",
    FieldType.ARRAY: "array",
}
_NUMERIC = ("int", "long", "double", "decimal")
#: Every BSON type but null, undefined (which reads as missing) and the numeric ones.
_OTHERS = [
    "minKey",
    "string",
    "symbol",
    "object",
    "array",
    "binData",
    "objectId",
    "bool",
    "date",
    "timestamp",
    "regex",
    "dbPointer",
    "javascript",
    "javascriptWithScope",
    "maxKey",
]


def tests(path: str, type_: FieldType | None) -> tuple[Any, ...]:
    """Tests, in order, that all hold exactly where a field's value is one of its type."""
    at = f"${path}"
    if type_ is None:
        return (present(at),)
    if type_ is FieldType.NUMBER:
        return ({"$gte": [at, -MOST]}, {"$lte": [at, MOST]})
    kind = {"$type": at}
    if type_ is FieldType.INTEGER:
        whole = {"$eq": [at, {"$trunc": at}]}
        double = all_of([{"$eq": [kind, "double"]}, {"$gte": [at, -PAST]}, {"$lt": [at, PAST]}, whole])
        return (any_of([{"$eq": [kind, "int"]}, {"$eq": [kind, "long"]}, double]),)
    if type_ is FieldType.DECIMAL:
        finite = {"$gt": [at, -_ENDLESS]}, {"$lt": [at, _ENDLESS]}
        return (*finite, {"$ne": [kind, "double"]})
    if type_ is FieldType.ARRAY:
        return (*(negation({"$isArray": [f"${one}"]}) for one in above(path)), {"$isArray": [at]})
    return ({"$eq": [kind, BSON[type_]]},)


def raw(path: str, type_: FieldType | None) -> Any:
    """A field's value in its type, where its tests hold."""
    wrap = {FieldType.NUMBER: "$toDouble", FieldType.INTEGER: "$toLong", FieldType.DECIMAL: "$toDecimal"}
    return {wrap[type_]: f"${path}"} if type_ in wrap else f"${path}"


def above(path: str) -> list[str]:
    """The paths that a path goes through. Where an array lies on the way, there is no one value."""
    steps = path.split(".")
    return [".".join(steps[:at]) for at in range(1, len(steps))]


def query(path: str, type_: FieldType) -> dict[str, Any]:
    """The filter that passes exactly the documents whose value at a path is one of the type."""
    if type_ is FieldType.NUMBER:
        own: dict[str, Any] = {"$gte": -MOST, "$lte": MOST}
    elif type_ is FieldType.INTEGER:
        own = {"$gte": -PAST, "$lt": PAST, "$bitsAllClear": 0}
    elif type_ is FieldType.DECIMAL:
        own = {"$gt": -_ENDLESS, "$lt": _ENDLESS}
    else:
        own = {"$type": BSON[type_]}
    return scalar(path, type_, own)


def scalar(path: str, type_: FieldType, own: dict[str, Any]) -> dict[str, Any]:
    """A filter on a field, with what keeps arrays out and the numeric kinds that its type does not take.

    In query form any element of an array would match, of one on the way as well.
    """
    if type_ is not FieldType.ARRAY:
        barred = {FieldType.INTEGER: ["array", "decimal"], FieldType.DECIMAL: ["array", "double"]}
        own = {**own, "$not": {"$type": barred.get(type_, "array")}}
    filters = [*({one: {"$not": {"$type": "array"}}} for one in above(path)), {path: own}]
    return filters[0] if len(filters) == 1 else {"$and": filters}


def fits(path: str, type_: FieldType) -> Any:
    """An expression that is true where a value that is there, and no array hides, is one of the type."""
    return all_of(tests(path, type_))


def mistyped(path: str, type_: FieldType) -> Any:
    """An expression that is true where a value is there and is none of the type."""
    there = negation({"$in": [{"$type": f"${path}"}, ["missing", "null", "undefined"]]})
    through = [{"$isArray": [f"${one}"]} for one in above(path)]
    return any_of([*through, all_of([there, negation(all_of(tests(path, type_)))])])


def endless(path: str) -> Any:
    """An expression that is true where a value is NaN or infinite: these are mistyped in every type."""
    at = f"${path}"
    # NaN lies below every number, minus infinity too.
    finite = all_of([{"$gt": [at, -math.inf]}, {"$lt": [at, math.inf]}])
    return _at_one_place(path, all_of([{"$in": [{"$type": at}, ["double", "decimal"]]}, negation(finite)]))


def _at_one_place(path: str, test: Any) -> Any:
    """A test that holds only where no array lies on the way: there is no one value then."""
    return all_of([*(negation({"$isArray": [f"${one}"]}) for one in above(path)), test])


def mistyped_query(path: str, type_: FieldType) -> dict[str, Any]:
    """A filter for values that may be mistyped, each part a tight index bound; `mistyped` is exact."""
    others = [one for one in _OTHERS if one != BSON.get(type_)]
    found: list[dict[str, Any]] = []
    if type_ is FieldType.NUMBER:
        found = [{path: Decimal("NaN")}, {path: {"$gt": MOST}}, {path: {"$lt": -MOST}}]
    elif type_ is FieldType.INTEGER:
        others += ["decimal", "double"]  # whole doubles are none, which `mistyped` sees
    elif type_ is FieldType.DECIMAL:
        others.append("double")
        found = [{path: {"$in": [Decimal("NaN"), _ENDLESS, -_ENDLESS]}}]
    else:
        others += _NUMERIC
    arrays = [{one: {"$type": "array"}} for one in above(path)]
    return {"$or": [{path: {"$type": others}}, *found, *arrays]}

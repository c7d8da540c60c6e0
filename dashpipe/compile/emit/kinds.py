"""The kind of a value: one short text, by which values of a field are told apart and counted.

It is the value's BSON type, so that most values cost one look. Only a double or a decimal in a numeric field
is looked at further: ``odd`` stands before its type where it does not fit the field, ``endless`` where it is
NaN or infinite. ``through`` is a value that an array on the way hides.
"""

from __future__ import annotations

from typing import Any

from dashpipe import expr
from dashpipe.expr import FieldType

#: Kinds of what is not there, and of what is null.
_ABSENT, _NULL = ("missing",), ("null", "undefined")
_NUMERIC = {
    FieldType.INTEGER: ("int", "long", "double"),
    FieldType.NUMBER: ("int", "long", "double", "decimal"),
    FieldType.DECIMAL: ("int", "long", "decimal"),
}


def kind(path: str, type_: FieldType) -> Any:
    """The expression for the kind of a document's value at a path.

    Args:
        path: Where the value stands.
        type_: What the field takes.
    """
    bson: Any = {"$type": f"${path}"}
    found = bson
    if type_ in _NUMERIC:
        grade = {"$cond": [expr.endless(path), "endless ", "odd "]}
        graded = {"$cond": [expr.fits(path, type_), bson, {"$concat": [grade, bson]}]}
        found = {"$cond": [{"$in": [bson, ["double", "decimal"]]}, graded, bson]}
    through: list[Any] = [{"$isArray": [f"${one}"]} for one in expr.above(path)]
    if not through:
        return found
    return {"$cond": [through[0] if len(through) == 1 else {"$or": through}, "through", found]}


def counted(type_: FieldType, *, inferred: bool) -> dict[str, tuple[str, ...]]:
    """The kinds that each counter but that of mistyped values counts, by the counter's letter.

    Args:
        type_: What the field takes.
        inferred: Whether nobody wrote its type down, so that decimals in it are worth a word.
    """
    kinds = {"a": _ABSENT, "z": _NULL}
    if type_ in _NUMERIC:
        kinds["f"] = ("endless double", "endless decimal")
    if type_ is FieldType.NUMBER and inferred:
        kinds["d"] = ("decimal", "odd decimal", "endless decimal")
    return kinds


def proper(type_: FieldType) -> list[str]:
    """The kinds that are not mistyped: those of the type, and what is not there."""
    return [*_ABSENT, *_NULL, *(_NUMERIC.get(type_) or (expr.BSON[type_],))]

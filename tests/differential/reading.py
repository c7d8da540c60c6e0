"""From documents to typed columns, by the mistyped rule: another type, NaN and infinities are NULL."""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any

from bson import Decimal128, ObjectId

from tests.differential.documents import Document

_PLAIN: dict[str, type] = {"string": str, "boolean": bool, "date": datetime}


# -------------------------------------------------------------------------------------------


def reach(document: Any, path: str) -> Any:
    """The value at a dotted path, ``None`` where there is none; through an array it is an array."""
    for one in path.split("."):
        if isinstance(document, list):
            return []
        document = document.get(one) if isinstance(document, dict) else None
    return document


def read(given: Any, type_: str) -> tuple[Any, bool]:
    """A document's value as its column holds it, and whether it is mistyped (then it is NULL)."""
    if given is None:
        return None, False
    made = typed(given, type_)
    return made, made is None


def typed(given: Any, type_: str) -> Any:
    number = isinstance(given, (int, float)) and not isinstance(given, bool)
    exact = given.to_decimal() if isinstance(given, Decimal128) else None
    if type_ == "integer":
        if number and math.isfinite(given) and given == int(given) and -(2**63) <= given < 2**63:
            return int(given)
    elif type_ == "number":
        if number and math.isfinite(given):
            return float(given)
        if exact is not None and exact.is_finite() and math.isfinite(float(exact)):
            return float(exact)
    elif type_ == "decimal":
        if isinstance(given, int) and number:
            return Decimal(int(given))
        if exact is not None and exact.is_finite():
            return exact
    elif type_ in _PLAIN and isinstance(given, _PLAIN[type_]):
        return given
    elif type_ == "object_id" and isinstance(given, ObjectId):
        return str(given)
    elif type_ == "array" and isinstance(given, list):
        return [
            one if isinstance(one, int) else int(one) if isinstance(one, float) else None for one in given
        ]
    return None


def kinds(documents: Iterable[Document], path: str, type_: str) -> dict[str, int]:
    """How often a path leads to nothing, to null, to a value of another type, and a number's to no number."""
    found = dict.fromkeys(("absent", "null", "mistyped", "endless"), 0)
    for one in documents:
        value = reach(one, path)
        if value is None:
            found["null" if _is_there(one, path) else "absent"] += 1
        elif read(value, type_)[1]:
            found["mistyped"] += 1
            plain = value.to_decimal() if isinstance(value, Decimal128) else value
            number = type_ in ("integer", "number", "decimal") and isinstance(plain, (float, Decimal))
            found["endless"] += number and not math.isfinite(plain)
    return found


def _is_there(document: Document, path: str) -> bool:
    *above, last = path.split(".")
    value = reach(document, ".".join(above)) if above else document
    return isinstance(value, dict) and last in value

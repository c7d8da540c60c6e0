"""What a landed document is known by, and how to tell whether it changed."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

import bson
from bson.decimal128 import Decimal128
from bson.errors import BSONError
from bson.objectid import ObjectId

Document = dict[str, Any]

#: The field of a landed document that says where it is from.
LANDED = "_landed"

#: A little less than MongoDB's limit, for what is added.
_LARGEST = 16 * 1024 * 1024 - 4096


class Item(NamedTuple):
    """A document to land: its ``_id``, its row, a hash of its values, and these."""

    id: str
    number: int
    hash: str
    values: Document


def item(values: Document, name: str, number: int, key: Sequence[str]) -> Item:
    """A row as a document to land.

    Args:
        values: The row's values.
        name: The file, or what else it is from.
        number: The row's number there.
        key: The fields that tell rows apart; without any it is known by file and number.

    Raises:
        ValueError: It has no value in a field of the key, or cannot be stored.
    """
    if LANDED in values:
        raise ValueError(f"a field is called `{LANDED}`, as only dashpipe's own is: give it another name")
    if "_id" in values and "_id" not in key:
        raise ValueError("it has a field `_id`: declare `key: [_id]`, or give the field another name")
    id_ = "|".join(_text(at(values, one), one) for one in key) if key else f"{name}|{number:012d}"
    values = {field: one for field, one in values.items() if field != "_id"}
    try:
        stored = bson.encode({field: values[field] for field in sorted(values)})
    except (BSONError, OverflowError, ValueError, TypeError) as error:
        said = str(error).partition(" object: ")[0]  # what follows is the value
        raise ValueError(f"it cannot be stored: {said}") from None
    if len(stored) > _LARGEST:
        raise ValueError("it is larger than a document can be")
    return Item(id_, number, hashlib.sha256(stored).hexdigest()[:32], values)


def at(values: Any, path: str | None) -> Any:
    """The value at a path of documents in documents, ``None`` where there is none; of no path, the whole."""
    for step in path.split(".") if path else ():
        values = values.get(step) if isinstance(values, dict) else None
    return values


def _text(value: Any, field: str) -> str:
    """A value of the key as text, as in the ``_id`` of rows."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value.replace("\\", "\\\\").replace("|", "\\p")
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, (int, ObjectId)) and not isinstance(value, float):
        return str(value)
    if isinstance(value, Decimal128):
        return f"{value.to_decimal().normalize():f}" if value.to_decimal().is_finite() else str(value)
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    if isinstance(value, datetime):
        return value.isoformat(timespec="milliseconds")
    if value is None:
        raise ValueError(f"`{field}` of its key is NULL")
    raise ValueError(f"`{field}` of its key is no text, whole number, date or id")

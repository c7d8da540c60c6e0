"""Byte-stable JSON of emitted stages: for identities, for ``show`` and for tests.

Values that JSON lacks are written in MongoDB's relaxed extended form (``$date``, ``$numberDecimal``,
``$oid``), so that the text can be pasted into a shell.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime, timezone
from decimal import Decimal
from typing import Any


@dataclass(frozen=True, slots=True)
class ObjectId:
    """An object id as a literal, by its hexadecimal text."""

    hex: str


def _extended(value: Any) -> Any:
    if isinstance(value, datetime):
        text = value.astimezone(timezone.utc).isoformat(timespec="milliseconds")
        return {"$date": text.replace("+00:00", "Z")}
    if isinstance(value, ObjectId):
        return {"$oid": value.hex}
    if isinstance(value, Decimal):
        return {"$numberDecimal": str(value)}
    raise TypeError(f"{type(value).__name__} does not belong in a stage")


def to_text(value: Any) -> str:
    """The JSON text of stages. The order of keys is kept: in a stage it carries meaning.

    Raises:
        TypeError: A value is of no type that the compiler emits.
    """
    return json.dumps(value, default=_extended, ensure_ascii=False, separators=(",", ":"))


def digest(value: Any, length: int = 12) -> str:
    """The first hexadecimal digits of the SHA-256 of a value's text."""
    return hashlib.sha256(to_text(value).encode()).hexdigest()[:length]

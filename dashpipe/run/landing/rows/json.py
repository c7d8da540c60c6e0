"""Rows of JSON: an object a line. What JSON has no type for, fields declare; MongoDB's own exports say it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any, BinaryIO

from dashpipe.run.landing.rows.row import Bad, Document, Row, lines
from dashpipe.run.landing.rows.values import decimal, from_text, is_long

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from dashpipe.spec.model import File

#: Types whose values JSON writes as text.
_WRITTEN = frozenset(("date", "decimal", "object_id"))

#: How deep MongoDB lets documents be.
_DEEPEST = 90


def read(
    stream: BinaryIO, name: str, _file: File, types: Mapping[str, str], zone: ZoneInfo | None
) -> Iterator[Row | Bad]:
    """The rows of a file with a JSON object a line."""
    for number, line in enumerate(lines(stream, name), 1):
        if not line.strip():
            continue
        try:
            value = parse(line.decode("utf-8-sig" if number == 1 else "utf-8"))
            if not isinstance(value, dict):
                raise ValueError("it is no JSON object")
            yield Row(number, document(value, types, zone))
        except UnicodeDecodeError as error:
            yield Bad(number, f"byte {error.start + 1} is not utf-8")
        except json.JSONDecodeError as error:
            yield Bad(number, f"column {error.colno}: it is no JSON ({error.msg})")
        except ValueError as error:
            yield Bad(number, str(error))


def parse(text: str) -> Any:
    """The value of a JSON text, its numbers with a fraction as decimals.

    Raises:
        ValueError: It is no JSON, or too deep.
    """
    try:
        return json.loads(text, parse_float=Decimal, parse_constant=_no_number)
    except RecursionError:
        raise ValueError("it is too deep") from None


def document(value: Document, types: Mapping[str, str], zone: ZoneInfo | None) -> Document:
    """A JSON object as a document: numbers are doubles or longs, declared dates, decimals and ids are these.

    Raises:
        ValueError: A value is none that MongoDB can hold.
    """
    made = _made(value, "", types, zone, 0)
    if not isinstance(made, dict):
        raise ValueError("it is no JSON object")
    return made


def _made(value: Any, path: str, types: Mapping[str, str], zone: ZoneInfo | None, depth: int) -> Any:
    if depth > _DEEPEST:
        raise ValueError("it is too deep")
    if isinstance(value, dict):
        if any(one.startswith("$") for one in value):
            return _extended(value, path)
        made = {}
        for name, one in value.items():
            if not name or "." in name or "\0" in name:
                raise ValueError(f"`{name}` is no name that a field can have")
            made[name] = _made(one, f"{path}.{name}" if path else name, types, zone, depth + 1)
        return made
    if isinstance(value, list):
        return [_made(one, path, types, zone, depth + 1) for one in value]
    type_ = types.get(path, "")
    if isinstance(value, str):
        return from_text(value, type_, zone) if type_ in _WRITTEN else value
    if isinstance(value, bool) or value is None:
        return value
    return _number(value, path, type_)


def _number(value: int | Decimal, path: str, type_: str) -> Any:
    if type_ == "decimal":
        exact = decimal(Decimal(value))
        if exact is None:
            raise ValueError(f"`{path}` has more digits than a decimal holds")
        return exact
    if isinstance(value, int) and is_long(value):
        return value
    if isinstance(value, int) and type_ != "number":
        raise ValueError(f"`{path}` is beyond 64 bits: declare it `decimal` or `number`")
    made = float(value)
    if abs(made) == float("inf"):
        raise ValueError(f"`{path}` is beyond what a number holds")
    return made


def _extended(value: Document, path: str) -> Any:
    """A value as MongoDB's exports write it: ``{"$date": …}``, ``{"$oid": …}``, ``{"$numberDecimal": …}``."""
    from bson import json_util
    from bson.errors import BSONError

    try:
        plain = json.loads(json.dumps(value, default=float))
        made = json_util.object_hook(_inner(plain), json_util.JSONOptions(tz_aware=True))
    except (BSONError, ValueError, TypeError, KeyError, ArithmeticError):
        made = value
    if isinstance(made, dict):
        raise ValueError(f"`{path}` has a name that begins with $")
    return made


def _inner(value: Document) -> Document:
    """Its own parts read first: ``{"$date": {"$numberLong": …}}``."""
    from bson import json_util

    return {name: json_util.object_hook(one) if isinstance(one, dict) else one for name, one in value.items()}


def _no_number(text: str) -> Any:
    raise ValueError(f"{text} is no JSON")

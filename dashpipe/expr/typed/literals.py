"""Literals, in the type of what they meet."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from zoneinfo import ZoneInfo

from dashpipe.expr.ast import Expr
from dashpipe.expr.scope import Typed
from dashpipe.expr.typed.context import Context
from dashpipe.expr.types import FieldType

#: The least integer beyond 64 bits.
PAST = 2**63

_INSTANT = re.compile(
    r"""(\d{4})-(\d{1,2})-(\d{1,2})
    (?:[\x20T](\d{1,2}):(\d{2})(?::(\d{2})(?:\.(\d{1,3})\d*)?)?\s*(Z|[+-]\d{2}(?::?\d{2})?)?)?""",
    re.VERBOSE,
)


def literal(context: Context, expr: Expr, want: FieldType | None) -> Typed:
    """A literal of the tree."""
    kind, value = expr.kind, expr.value
    if kind == "null":
        return Typed("literal", None)
    if kind == "bool":
        return Typed("literal", FieldType.BOOLEAN, (), value)
    if kind == "text":
        return Typed("literal", FieldType.STRING, (), value)
    if kind in ("date", "timestamp"):
        instant = moment(value, context.scope.timezone, whole=kind == "date")
        if instant is None:
            form = "'2024-01-31'" if kind == "date" else "'2024-01-31 08:30:00'"
            return context.error(expr, f"'{value}' is no {kind}", f"write {kind.upper()} {form}")
        return Typed("literal", FieldType.DATE, (), instant)
    if kind == "int":
        if value >= PAST:
            return context.error(
                expr, "the number needs more than 64 bits", "write it with an exponent: 1e20"
            )
        return number(Typed("literal", FieldType.INTEGER, (), value), want)
    if kind == "point":
        return number(Typed("literal", FieldType.NUMBER, (), value), want)
    return Typed("literal", FieldType.NUMBER, (), value)


def number(typed: Typed, type_: FieldType | None) -> Typed:
    """A numeric literal as a value of ``type_``; as it is where that would lose something."""
    value = typed.value
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)):
        return typed
    if type_ is FieldType.NUMBER:
        return Typed("literal", type_, (), float(value))
    if type_ is FieldType.DECIMAL and not isinstance(value, float):
        return Typed("literal", type_, (), Decimal(value))
    return typed


def moment(text: str, zone: str, whole: bool = False) -> datetime | None:
    """The instant that a text names in a zone, in UTC, or ``None``.

    A day is its first instant. A time that a clock change repeats is the later of the two, one that it skips
    lies as far behind the change as it says (both as in DuckDB).
    """
    found = _INSTANT.fullmatch(text.strip())
    if found is None or (whole and found[4] is not None):
        return None
    year, month, day, hour, minute, second = (int(one or 0) for one in found.groups()[:6])
    try:
        local = datetime(year, month, day, hour, minute, second, int((found[7] or "0").ljust(3, "0")) * 1000)  # noqa: DTZ001
        if found[8] is not None:
            return local.replace(tzinfo=_offset(found[8])).astimezone(timezone.utc)
        tz = ZoneInfo(zone)
        first = local.replace(tzinfo=tz).astimezone(timezone.utc)
        later = local.replace(tzinfo=tz, fold=1).astimezone(timezone.utc)
    except (ValueError, OverflowError):
        return None
    return first if found[4] is None or later < first else later


def _offset(text: str) -> timezone:
    if text == "Z":
        return timezone.utc
    digits = text[1:].replace(":", "").ljust(4, "0")
    span = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return timezone(-span if text[0] == "-" else span)

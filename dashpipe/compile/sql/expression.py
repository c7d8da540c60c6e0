"""A typed expression as SQL again, in DuckDB's dialect: what it reads is named by the place it stands in."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from dashpipe.expr import FieldType, Typed
from dashpipe.expr.like import Pattern

#: How a field (by its path) or a metric (by its name) is called where the expression stands.
Named = Callable[[str], str]

#: How tightly a form binds; what binds less stands in brackets.
_OR, _AND, _NOT, _TEST, _SUM, _PRODUCT, _SIGN, _ATOM = range(8)

_LEVELS = {"+": _SUM, "-": _SUM, "*": _PRODUCT, "/": _PRODUCT, "%": _PRODUCT}

#: Whole numbers up to here read better without an exponent.
_SHORT = 10**15


class Unsayable(Exception):
    """Something that SQL does not say; the text tells what."""


def written(typed: Typed, named: Named, tz: str = "UTC") -> str:
    """An expression as SQL.

    Args:
        typed: The expression.
        named: How what it reads is called.
        tz: The zone that instants are shown in.

    Raises:
        Unsayable: It is an aggregation expression of MongoDB's.
    """
    return _Writer(named, tz).at(typed, _OR)


def text(value: str) -> str:
    """A text literal."""
    return "'" + value.replace("'", "''") + "'"


def instant(value: datetime, tz: str) -> str:
    """The literal of an instant, as its zone's clock shows it."""
    local = value.astimezone(ZoneInfo(tz))
    told = local.isoformat(" ", "milliseconds" if local.microsecond else "seconds")
    return f"TIMESTAMPTZ '{told}'"


def literal(value: Any, tz: str = "UTC", *, short: bool = False) -> str:
    """A literal; ``short``: a whole double without its exponent, where nothing hangs on it."""
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, datetime):
        return instant(value, tz)
    if isinstance(value, str):
        return text(value)
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, float):
        if value.is_integer() and abs(value) < _SHORT:
            return f"{int(value)}" if short else f"{int(value)}e0"
        told = repr(value)
        return told if "e" in told else f"{told}e0"
    return str(value)


class _Writer:
    """Writes one expression; knows only how names are called."""

    def __init__(self, named: Named, tz: str) -> None:
        self.named = named
        self.tz = tz

    def at(self, typed: Typed, level: int) -> str:
        """A node, in brackets where it binds less than its place asks for."""
        while typed.kind == "convert":  # what meets is converted anyway
            (typed,) = typed.args
        made, own = self.form(typed)
        return made if own >= level else f"({made})"

    def form(self, typed: Typed) -> tuple[str, int]:
        """A node, and how tightly it binds."""
        kind, args = typed.kind, typed.args
        if kind == "literal":
            made = literal(typed.value, self.tz)
            return made, _SIGN if made.startswith("-") else _ATOM
        if kind in ("field", "metric"):
            return self.named(str(typed.value)), _ATOM
        if kind == "neg":
            return f"-{self.at(args[0], _ATOM)}", _SIGN
        if kind == "arith":
            return self.arithmetic(typed)
        if kind in ("and", "or"):
            level = _AND if kind == "and" else _OR
            return f" {kind.upper()} ".join(self.at(one, level + 1) for one in args), level
        if kind == "not":
            return self.negated(args[0])
        if kind == "case":
            whens = "".join(
                f" WHEN {self.at(test, _OR)} THEN {self.at(value, _OR)}"
                for test, value in zip(args[:-1:2], args[1:-1:2])
            )
            last = args[-1]
            other = "" if last.kind == "literal" and last.value is None else f" ELSE {self.at(last, _OR)}"
            return f"CASE{whens}{other} END", _ATOM
        if kind == "cast":
            return self.cast(typed), _ATOM
        if kind == "call":
            return f"{typed.value[0]}({', '.join(self.at(one, _OR) for one in args)})", _ATOM
        if kind == "mongo":
            raise Unsayable("an aggregation expression of MongoDB's (`mongo`)")
        return self.test(typed, ""), _TEST

    def test(self, typed: Typed, no: str) -> str:
        """A test, or its contrary (``no`` is ``NOT``)."""
        first = self.compared(typed.args[0])
        if typed.kind == "cmp":
            return f"{first} {typed.value} {self.compared(typed.args[1])}"
        if typed.kind == "isnull":
            return f"{first} IS {no}NULL"
        if typed.kind == "distinct":
            return f"{first} IS {no}DISTINCT FROM {self.compared(typed.args[1])}"
        if typed.kind == "like":
            return f"{first} {no}LIKE {_pattern(typed.value)}"
        assert typed.kind == "in", typed.kind
        listed = ", ".join(literal(one, self.tz, short=True) for one in typed.value)
        return f"{first} {no}IN ({listed})"

    def negated(self, typed: Typed) -> tuple[str, int]:
        if typed.kind in ("isnull", "like", "in", "distinct"):
            return self.test(typed, "NOT "), _TEST
        return f"NOT {self.at(typed, _NOT)}", _NOT

    def compared(self, typed: Typed) -> str:
        if typed.kind == "literal":
            return literal(typed.value, self.tz, short=True)
        return self.at(typed, _SUM)

    def arithmetic(self, typed: Typed) -> tuple[str, int]:
        level = _LEVELS[typed.value]
        left, right = typed.args
        # Beside a double a whole number is one: no exponent is needed to say so.
        told = [
            literal(one.value, short=True)
            if one.kind == "literal" and other.type is FieldType.NUMBER and _double(other)
            else self.at(one, level + more)
            for one, other, more in ((left, right, 0), (right, left, 1))
        ]
        if told[1].startswith("-"):
            told[1] = f"({told[1]})"
        if typed.value in "/%" and (right.kind != "literal" or not right.value):
            told[1] = f"nullif({self.at(right, _OR)}, 0)"
        return f"{told[0]} {typed.value} {told[1]}", level

    def cast(self, typed: Typed) -> str:
        target, soft, _ = typed.value
        inner = self.at(typed.args[0], _OR)
        if target.name == "DATE":
            return f"date_trunc('day', {inner})"
        if target.name == "TIMESTAMP":
            return f"({inner})"
        name = target.name
        if name == "DECIMAL":
            name = f"DECIMAL({target.before + target.after}, {target.after})"
        return f"{'TRY_CAST' if soft else 'CAST'}({inner} AS {name})"


def _double(typed: Typed) -> bool:
    """Whether SQL too knows a node to be a double, and not only by what it meets."""
    return typed.kind in ("field", "arith", "metric") and all(_double(one) for one in typed.args)


def _pattern(pattern: Pattern) -> str:
    signs, escaped = "", False
    for one in pattern.parts:
        if isinstance(one, str):
            escaped = escaped or any(sign in one for sign in "%_\\")
    for one in pattern.parts:
        if one is None:
            signs += "%"
        elif isinstance(one, int):
            signs += "_" * one
        elif escaped:
            signs += "".join(f"\\{sign}" if sign in "%_\\" else sign for sign in one)
        else:
            signs += one
    return text(signs) + (" ESCAPE '\\'" if escaped else "")

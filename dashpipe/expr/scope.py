"""What names mean where an expression stands, and an expression with its types."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from dashpipe.expr.ast import Expr
from dashpipe.expr.types import FieldType


class Scope(NamedTuple):
    """What names mean.

    Attributes:
        fields: The type of each document field by its path; ``None`` or absent where nothing fixes it.
        dimensions: The source's dimensions by name, which a bare name means first.
        metrics: In a derived metric, the type of each metric; then names are metrics only.
        timezone: The IANA zone in which dates are read.
    """

    fields: Mapping[str, FieldType | None] = MappingProxyType({})
    dimensions: Mapping[str, Expr] = MappingProxyType({})
    metrics: Mapping[str, FieldType] | None = None
    timezone: str = "UTC"


class Typed(NamedTuple):
    """A node of an expression with its type: names resolved, types converted, literals as values.

    Kinds, with their ``args`` and ``value``:
        ``literal`` (a Python value), ``field`` (its path), ``metric`` (its name);
        ``convert``: one numeric argument, to ``type``; ``neg``; ``arith``: two, ``value`` is the operator;
        ``cmp``: two of one type, ``value`` is the operator; ``in``: the operand, ``value`` a tuple of
        literals;
        ``and``, ``or``, ``not``, ``isnull``; ``distinct``: IS DISTINCT FROM; ``like``: the operand,
        ``value`` the pattern;
        ``case``: when, then, …, else; ``call``: ``value`` is (the function's name, the zone);
        ``mongo``: ``value`` is an aggregation expression, taken where it gives a value of the type;
        ``cast``: one argument, ``value`` is (a `Target`, try, the zone); ``wrong``: a mistake was reported
        here.
    """

    kind: str
    type: FieldType | None
    args: tuple[Typed, ...] = ()
    value: Any = None

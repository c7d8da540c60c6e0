"""Values in the types that rows hold: long, double, Decimal128 in its one plain form; literals of a spec."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from dashpipe.expr import FieldType

#: Dividing by one with 34 digits strips a Decimal128's trailing zeros: the ideal exponent of the quotient is
#: 33 above the dividend's, and the nearest to it that is exact has none (IEEE 754-2019, 5.4.1, division).
#: Adding zero then gives whole numbers and zero itself back their plain form (100, not 1E+2; 0, not 0E+33).
_ONE = Decimal("1." + "0" * 33)
_ZERO = Decimal(0)


def written(value: Any, type_: FieldType) -> Any:
    """A value in the type that rows hold: long, double, or Decimal128 in its one plain form."""
    if type_ is FieldType.INTEGER:
        return {"$toLong": value}
    if type_ is FieldType.NUMBER:
        return {"$toDouble": value}
    if type_ is FieldType.DECIMAL:
        return {"$add": [{"$divide": [{"$toDecimal": value}, _ONE]}, _ZERO]}
    return value


def literal(value: Any, type_: FieldType) -> Any:
    """A spec's literal (``empty``, ``on_zero: 0``) in the type of its metric."""
    if value is None or isinstance(value, (bool, list, str)):
        return {"$literal": value}
    if type_ is FieldType.INTEGER:
        return {"$toLong": int(value)}
    if type_ is FieldType.DECIMAL:
        return Decimal(str(value))
    return float(value)

"""Which numbers are a given double once they are read as one.

A field of type number may hold longs and decimals that no double equals: decimal 0.05, or 2^53 + 1. Read as
doubles they equal 0.05 and 2^53. In query form, which compares exact values, the double stands for all
numbers between its two bounds.
"""

from __future__ import annotations

import math
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal
from fractions import Fraction

#: What Decimal128 holds.
_DIGITS, _LEAST, _GREATEST = 34, -6143, 6144
_EXACT = Context(prec=1200, Emin=-999_999, Emax=999_999)


def bounds(value: float) -> tuple[Decimal, Decimal]:
    """The least and the greatest Decimal128 that is read as ``value`` (the nearest, ties to the even)."""
    even = Fraction(value) == 0 or _mantissa(value) % 2 == 0
    low = _limit(value, -math.inf, even)
    high = _limit(value, math.inf, even)
    return low, high


def _mantissa(value: float) -> int:
    exponent = max(math.frexp(value)[1] - 53, -1074)
    return abs(int(Fraction(value) / Fraction(2) ** exponent))


def _limit(value: float, toward: float, even: bool) -> Decimal:
    following = math.nextafter(value, toward)
    if math.isinf(following):
        return Decimal(value)
    middle = _EXACT.divide(_EXACT.add(Decimal(value), Decimal(following)), Decimal(2))
    up = toward < 0
    context = Context(
        prec=_DIGITS, rounding=ROUND_CEILING if up else ROUND_FLOOR, Emin=_LEAST, Emax=_GREATEST
    )
    rounded = context.plus(middle)
    if rounded == middle and not even:
        rounded = context.next_plus(middle) if up else context.next_minus(middle)
    return rounded

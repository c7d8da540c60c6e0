"""Which offsets move the partitions of which grains onto partitions.

A day moves by anything; a week by whole weeks, or by years onto the week of the same number; months, quarters
and years by whole ones of their own, and fiscal ones by fiscal ones (there a plain month, quarter or year
means such a one). Anything else would compare a partition with the pieces of two others, and is refused.
"""

from __future__ import annotations

from collections.abc import Iterable

from dashpipe.spec.model import FISCAL, Grain

DAYS = {Grain.DAY: 1, Grain.WEEK: 7}
MONTHS = {Grain.MONTH: 1, Grain.QUARTER: 3, Grain.YEAR: 12}

#: Months of either calendar: which one decides what they move.
EITHER = {**MONTHS, **FISCAL}


def fits(grain: Grain, n: int, unit: Grain) -> bool:
    """Whether an offset of ``n`` units moves each partition of a grain onto a partition's start.

    Args:
        grain: The grain of the partitions.
        n: How many units, of either sign.
        unit: The unit: any grain but hour.
    """
    if grain is Grain.HOUR or unit is Grain.HOUR:
        return False
    if grain is Grain.DAY:
        return True
    if grain is Grain.WEEK:
        return unit is Grain.YEAR or (unit in DAYS and n * DAYS[unit] % 7 == 0)
    if grain in FISCAL:
        return unit in EITHER and n * EITHER[unit] % FISCAL[grain] == 0
    return unit in MONTHS and n * MONTHS[unit] % MONTHS[grain] == 0


def fitting(n: int, unit: Grain, among: Iterable[Grain]) -> tuple[Grain, ...]:
    """The grains at which an offset can be used, for the refusal at another one."""
    return tuple(grain for grain in among if fits(grain, n, unit))

"""Which grains there are, from the finest on, and what nests in what."""

from __future__ import annotations

from collections.abc import Iterable

from dashpipe.spec.model import Grain

#: Every grain, finest first.
ORDER = (
    Grain.HOUR,
    Grain.DAY,
    Grain.WEEK,
    Grain.MONTH,
    Grain.FISCAL_MONTH,
    Grain.QUARTER,
    Grain.FISCAL_QUARTER,
    Grain.YEAR,
    Grain.FISCAL_YEAR,
)

#: The grains that nest in a grain, coarsest first. Weeks nest in no month; in those of a retail calendar they
#: may, where it begins on the subject's first day of the week, which nothing should hang on.
NESTS: dict[Grain, tuple[Grain, ...]] = {
    Grain.HOUR: (),
    Grain.DAY: (Grain.HOUR,),
    Grain.WEEK: (Grain.DAY, Grain.HOUR),
    Grain.MONTH: (Grain.DAY, Grain.HOUR),
    Grain.QUARTER: (Grain.MONTH, Grain.DAY, Grain.HOUR),
    Grain.YEAR: (Grain.QUARTER, Grain.MONTH, Grain.DAY, Grain.HOUR),
    Grain.FISCAL_MONTH: (Grain.DAY, Grain.HOUR),
    Grain.FISCAL_QUARTER: (Grain.FISCAL_MONTH, Grain.DAY, Grain.HOUR),
    Grain.FISCAL_YEAR: (Grain.FISCAL_QUARTER, Grain.FISCAL_MONTH, Grain.DAY, Grain.HOUR),
}


def finer(grain: Grain, among: Iterable[Grain]) -> tuple[Grain, ...]:
    """The grains of ``among`` that nest in ``grain``, coarsest first."""
    present = set(among)
    return tuple(one for one in NESTS[grain] if one in present)

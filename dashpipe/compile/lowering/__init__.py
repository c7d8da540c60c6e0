"""What is computed instead where a server lacks something: the same rows, at a cost that is said."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from dashpipe.compile.emit import Stages
from dashpipe.compile.lowering import estimates, windows
from dashpipe.compile.plan import Plan

_ESTIMATED = "approximate"

PERCENTILE, WINDOW_FIELDS, UNION_WITH = "percentile", "window_fields", "union_with"

#: What scans of a source may use; the others are used in the target's database alone.
OF_SCANS = (PERCENTILE, WINDOW_FIELDS)

#: What has a lowering here, and what it costs. What writes lack, ``dashpipe.run`` makes up for.
COSTS = {
    PERCENTILE: (
        "percentiles with `approximate: true` are computed exactly: right, but in as long a time and as much "
        "disk as the exact ones"
    ),
    WINDOW_FIELDS: (
        "exact medians and percentiles, top lists, conversions and retention gather what they rank in "
        "arrays, a row's different values (an entity's events) in one: at most 16 MB, in quadratic time"
    ),
    UNION_WITH: (
        "what is new is compared and merged with what is stored in copies of both, which each run writes to "
        "staging"
    ),
}


#: Kinds of leaves whose stages have windows.
_RANKED = frozenset({"discrete", "continuous", "top", "converted", "conversions", "retention", _ESTIMATED})


def needed(plan: Plan) -> frozenset[str]:
    """What of it the stages of a plan use; an estimate that cannot be had is a rank.

    Every run may unite what is new with what is stored, at the latest to see which rows vanished.
    """
    kinds = {leaf.kind for source in plan.sources for leaf in source.leaves}
    found = {UNION_WITH} | ({PERCENTILE} if _ESTIMATED in kinds else set())
    return frozenset(found | ({WINDOW_FIELDS} if kinds & _RANKED else set()))


def need_lines(plan: Plan) -> Iterator[str]:
    """A line for each of them: what is done where a server lacks it."""
    for one in sorted(needed(plan)):
        yield f"{one}: where a server lacks it, {COSTS[one]}"


def lowered_plan(plan: Plan, lacking: Collection[str]) -> Plan:
    """A plan whose scans need nothing of what is lacking; leaves keep their ids."""
    return estimates.exact(plan) if PERCENTILE in lacking else plan


def lowered(stages: Stages, lacking: Collection[str]) -> Stages:
    """Stages that need nothing of what is lacking, but for unions: ``unions`` takes them apart."""
    return windows.gathered(stages) if WINDOW_FIELDS in lacking else stages

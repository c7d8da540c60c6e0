"""Plan and literal partitions to stages."""

from __future__ import annotations

from dashpipe.compile.emit.attributed import attributed
from dashpipe.compile.emit.cohorts import cohorts, retained
from dashpipe.compile.emit.daily import days_of, over_days
from dashpipe.compile.emit.fill import OWN, filled, since
from dashpipe.compile.emit.finalise import direct, finalise, spine
from dashpipe.compile.emit.followed import carried_on, followed, gathered, newer, of_days
from dashpipe.compile.emit.grouped import Grouping, grouped, held_at, regrouped
from dashpipe.compile.emit.journeys import events, journeys
from dashpipe.compile.emit.quarantine import quarantined, verdicts
from dashpipe.compile.emit.reach import (
    PAIRS,
    Beside,
    Days,
    Of,
    Pairs,
    Places,
    after,
    days,
    of_parts,
    over_states,
    places,
    present,
    scans,
    wholes,
)
from dashpipe.compile.emit.rollup import label, rollup, rows
from dashpipe.compile.emit.running import Standing, advanced, of_generation
from dashpipe.compile.emit.scan import Ref, merge, pairs, scan, time_match
from dashpipe.compile.emit.stages import Stages
from dashpipe.compile.emit.types import types_scans, untimed, untimed_scan
from dashpipe.compile.emit.values import of_values, values
from dashpipe.compile.emit.verify import verify
from dashpipe.compile.emit.windows import over_values, over_wholes

__all__ = [
    "OWN",
    "PAIRS",
    "Beside",
    "Grouping",
    "Days",
    "Of",
    "Pairs",
    "Places",
    "Ref",
    "Stages",
    "Standing",
    "advanced",
    "after",
    "attributed",
    "carried_on",
    "cohorts",
    "days",
    "days_of",
    "direct",
    "events",
    "filled",
    "finalise",
    "followed",
    "gathered",
    "grouped",
    "held_at",
    "journeys",
    "label",
    "merge",
    "newer",
    "of_days",
    "of_generation",
    "of_parts",
    "of_values",
    "over_days",
    "over_states",
    "over_values",
    "over_wholes",
    "pairs",
    "places",
    "present",
    "quarantined",
    "regrouped",
    "retained",
    "rollup",
    "rows",
    "scan",
    "scans",
    "since",
    "spine",
    "time_match",
    "types_scans",
    "untimed",
    "untimed_scan",
    "values",
    "verdicts",
    "verify",
    "wholes",
]

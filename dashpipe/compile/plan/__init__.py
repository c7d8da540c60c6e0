"""The logical plan: what is read, aggregated, joined, finished and written. Immutable; without run times.

A metric is leaf states and a finaliser. A *leaf* is one aggregation of one source; its identity is a hash
over the source's scan, the aggregation, the expression and the filter, never its name, so that metrics share
leaves and stored states say what they are. An *aggregate* node computes leaves in one scan of a source; the
nodes of all sources are joined by key; *columns* finish metrics from leaves and from one another.
"""

from __future__ import annotations

from dashpipe.compile.plan.column import (
    Carried,
    Column,
    Finaliser,
    Formula,
    Mean,
    OfDays,
    Ratio,
    Same,
    Spread,
    Value,
)
from dashpipe.compile.plan.leaf import DOCUMENT, ELEMENT, Daily, Having, Journey, Leaf, Options
from dashpipe.compile.plan.source import Aggregate, Key, SourcePlan
from dashpipe.compile.plan.whole import Kept, LookupPlan, Merged, Note, Plan, RollUp, Running

__all__ = [
    "Aggregate",
    "Carried",
    "Column",
    "DOCUMENT",
    "Daily",
    "ELEMENT",
    "Finaliser",
    "Formula",
    "Having",
    "Journey",
    "Kept",
    "Key",
    "Leaf",
    "LookupPlan",
    "Mean",
    "Merged",
    "Note",
    "OfDays",
    "Options",
    "Plan",
    "Ratio",
    "RollUp",
    "Running",
    "Same",
    "SourcePlan",
    "Spread",
    "Value",
]

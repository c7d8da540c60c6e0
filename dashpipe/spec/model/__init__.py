"""The typed, frozen form of a spec: what lint rules read and what the compiler turns into a plan.

Objects carry plain values in the spec's own words. Where they came from (file and key path) is kept in
``origin``, outside equality, so that two specs that mean the same compare equal.
"""

from __future__ import annotations

from dashpipe.spec.model.metric import (
    AGGREGATES,
    COHORTS,
    COMPOSITES,
    JOURNEYS,
    OF_DAYS,
    OF_SOURCE,
    Events,
    Fill,
    Input,
    Metric,
)
from dashpipe.spec.model.origin import NOWHERE, Env, EnvText, Origin
from dashpipe.spec.model.source import Dimension, Field, File, Http, Lookup, Source, Unwind, Valid
from dashpipe.spec.model.subject import (
    AirflowOptions,
    Bounds,
    Check,
    Lookback,
    Query,
    Schedule,
    Subject,
    Target,
)
from dashpipe.spec.model.time import FISCAL, WEEKDAYS, Calendar, Fiscal, Grain, Period, Time

__all__ = [
    "AGGREGATES",
    "AirflowOptions",
    "Bounds",
    "COHORTS",
    "COMPOSITES",
    "Calendar",
    "Check",
    "Dimension",
    "Env",
    "EnvText",
    "Events",
    "FISCAL",
    "Field",
    "File",
    "Fill",
    "Fiscal",
    "Grain",
    "Http",
    "Input",
    "JOURNEYS",
    "Lookback",
    "Lookup",
    "Metric",
    "NOWHERE",
    "OF_DAYS",
    "OF_SOURCE",
    "Origin",
    "Period",
    "Query",
    "Schedule",
    "Source",
    "Subject",
    "Target",
    "Time",
    "Unwind",
    "Valid",
    "WEEKDAYS",
]

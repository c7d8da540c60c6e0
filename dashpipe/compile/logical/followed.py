"""Columns of metrics that follow something over time: an entity's events, or the entities themselves."""

from __future__ import annotations

from dataclasses import replace

from dashpipe.compile import journeys
from dashpipe.compile.errors import CompileError
from dashpipe.compile.frame import ahead
from dashpipe.compile.logical.builder import Builder, Finished, Need
from dashpipe.compile.plan import Mean, Value
from dashpipe.expr import FieldType
from dashpipe.spec.model import Grain, Metric


def journey(builder: Builder, metric: Metric, need: Need) -> Finished:
    """Conversions of base events: how many, or the share of base events that have one."""
    within = replace(need, wheres=need.filters(metric))
    followed = journeys.followed(metric, within.wheres, builder.readings)
    # The finest grain tells where there are other events than before: base events of days before follow them.
    finest = next(grain for grain in Grain if grain in builder.subject.grains)
    for one in (followed.base, followed.conversion):
        builder.add(one.source, one, (finest,))
    if metric.measured_as == "count":
        made = builder.made(lambda frame: journeys.counting("conversions", followed, frame), within)
        return Value(made.id), FieldType.INTEGER, ((made.id, "conversions"),)
    converted = builder.made(lambda frame: journeys.counting("converted", followed, frame), within)
    assert metric.base is not None
    every = builder.leaf(journeys.counted(metric, metric.base), "count", within)
    return Mean(converted.id, every.id), FieldType.NUMBER, ((every.id, "count"),)


def retention(builder: Builder, metric: Metric, need: Need) -> Finished:
    """The shares of the entities that are new in a partition which are seen in those after it."""
    source = metric.source or ""
    if not need.frame.plain:
        raise CompileError(builder.subject.id, f"{metric.name} follows entities: it is of its own rows only")
    if builder.readings[source].source.unwind is not None:
        raise CompileError(metric.name, f"a document of {source} is taken apart: it is no one event")
    if any(grain is not metric.period for grain in need.grains):
        raise CompileError(builder.subject.id, f"{metric.name} is of its period alone")
    frame = ahead(metric.periods or 0)
    reading = builder.readings[source]
    made = reading.leaf("retention", metric, need.filters(metric), frame=frame)
    # First days say in which month an entity is new, but not where the newest document of the month counts.
    if not reading.unique or metric.period is Grain.DAY:
        made = replace(made, base=reading.entities(made))
    builder.keep(source, made, need.grains)
    return Value(made.id), FieldType.ARRAY, ((made.id, "retention"),)

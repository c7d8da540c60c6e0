"""What a conversion follows, and the leaves that count it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from dashpipe.compile import canonical
from dashpipe.compile.errors import CompileError
from dashpipe.compile.frame import Frame
from dashpipe.compile.plan import Journey, Leaf, Options
from dashpipe.compile.sources import Reading
from dashpipe.expr import FieldType
from dashpipe.spec.model import FISCAL, Events, Grain, Metric


def followed(metric: Metric, wheres: tuple[str, ...], readings: Mapping[str, Reading]) -> Journey:
    """What a conversion follows: base events and conversions, each counted by the entity.

    Args:
        metric: The conversion.
        wheres: The filters of both kinds of events.
        readings: How each source is read.

    Raises:
        CompileError: The two do not go together, or a document is no single event.
    """
    assert metric.base is not None
    assert metric.conversion is not None
    assert metric.window is not None
    if Grain(metric.window.unit) in FISCAL:
        raise CompileError(metric.name, "a conversion comes within days, weeks or months, not fiscal ones")
    sides = []
    for one in (metric.base, metric.conversion):
        if readings[one.source].source.unwind is not None:
            raise CompileError(metric.name, f"a document of {one.source} is taken apart: it is no one event")
        count = counted(metric, one)
        inner = wheres if count.where is None else (*wheres, count.where)
        sides.append(readings[one.source].leaf("count", count, inner))
    base, conversion = sides
    if base.expr is None or conversion.expr is None or base.expr.type is not conversion.expr.type:
        raise CompileError(metric.name, "the entity has two types")
    return Journey(base, conversion, metric.window)


def counted(metric: Metric, events: Events) -> Metric:
    """The count of one side's events, by the entity."""
    return Metric(metric.name, "count", events.source, expr=metric.entity, where=events.where)


def counting(kind: str, journey: Journey, frame: Frame) -> Leaf:
    """The leaf that counts conversions, or the base events that have one, on the rows of the base."""
    base, conversion = journey.base, journey.conversion
    parts = [kind, base.id, conversion.id, str(journey.window)]
    label = f"{kind}({base.label} to {conversion.label} within {journey.window})"
    if not frame.plain:
        parts.append(canonical.digest(frame.meaning))
        label += f" {frame}"
    return replace(
        base,
        id=f"{kind}_{canonical.digest(parts)}",
        kind=kind,
        label=label,
        type=FieldType.INTEGER,
        options=Options(journey=journey),
        frame=frame,
    )

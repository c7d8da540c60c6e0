"""From nodes to metrics."""

from __future__ import annotations

from dashpipe.spec.model import Events, Fill, Grain, Input, Metric, Origin
from dashpipe.spec.node import Map, Node, Scalar, plain
from dashpipe.spec.parts.verbatim import json_of
from dashpipe.spec.values import (
    as_text,
    carry,
    child,
    entries,
    flag,
    grain,
    grains,
    optional,
    period,
    share,
    text,
    texts,
    whole,
)


def build_metric(node: Node, origin: Origin) -> Metric:
    """A metric of a source or of a subject."""
    empty = child(node, "empty")
    zero, mongo = child(node, "on_zero"), child(node, "mongo")
    on_zero = zero.value if isinstance(zero, Scalar) and zero.value != "null" else None
    return Metric(
        name=text(node, "name"),
        type=text(node, "type"),
        source=optional(node, "source"),
        expr=optional(node, "expr"),
        where=optional(node, "where"),
        numerator=optional(node, "numerator"),
        denominator=optional(node, "denominator"),
        on_zero=on_zero if isinstance(on_zero, (str, int)) else None,
        inputs=tuple(
            Input(
                text(one, "metric"),
                text(one, "as") or text(one, "metric"),
                optional(one, "where"),
                period(child(one, "offset")),
                at,
            )
            for one, at in entries(child(node, "inputs"), origin.at("inputs"))
        ),
        p=share(child(node, "p")),
        method=optional(node, "method"),
        approximate=flag(node, "approximate"),
        population=flag(node, "population"),
        k=whole(child(node, "k")),
        by=optional(node, "by"),
        having=optional(node, "having"),
        cardinality_at_most=whole(child(node, "cardinality_at_most")),
        metric=optional(node, "metric"),
        window=period(child(node, "window")),
        to_date=optional(node, "to_date"),
        period_agg=optional(node, "period_agg"),
        of=texts(child(node, "of")),
        base=_events(child(node, "base"), origin.at("base")),
        conversion=_events(child(node, "conversion"), origin.at("conversion")),
        entity=optional(node, "entity"),
        measured_as=optional(node, "as"),
        per=texts(child(node, "per")),
        carry=carry(child(node, "carry")),
        period=grain(child(node, "period")),
        periods=whole(child(node, "periods")),
        grains=_grains(node),
        empty=plain(empty) if isinstance(empty, Scalar) else None,
        has_empty=empty is not None,
        fill=_fill(child(node, "fill")),
        hidden=flag(node, "hidden"),
        counts=optional(node, "of"),
        mongo=None if mongo is None else json_of(mongo),
        mongo_type=optional(node, "mongo_type"),
        description=text(node, "description"),
        unit=text(node, "unit"),
        format=text(node, "format"),
        owner=text(node, "owner"),
        origin=origin,
    )


def _grains(node: Node) -> tuple[Grain, ...] | None:
    """The grains that have a metric; a retention that names none has its period."""
    given, period = grains(child(node, "grains")), grain(child(node, "period"))
    return (period,) if given is None and period is not None else given


def _events(node: Node | None, origin: Origin) -> Events | None:
    """Events of an entity: a source by name, or with a condition."""
    source = optional(node, "source") if isinstance(node, Map) else as_text(node)
    return None if source is None else Events(source, optional(node, "where"), origin)


def _fill(node: Node | None) -> Fill | None:
    value, length = child(node, "value"), period(child(node, "for"))
    if not isinstance(value, Scalar) or length is None:
        return None
    return Fill(plain(value), length)

"""What reads a source: each expression over its documents, with the type that it must have."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from dashpipe.expr import FieldType
from dashpipe.spec.model import COHORTS, Dimension, Events, Metric, Origin, Source
from dashpipe.spec.typing.types import expected


class Use(NamedTuple):
    """One expression over a source's documents: its text, the type that it must have, where it stands."""

    text: str
    expected: FieldType | None
    at: Origin


def where_use(text: str, origin: Origin) -> Use:
    """The filter of a source, a metric or an input."""
    return Use(text, FieldType.BOOLEAN, origin.at("where"))


def dimension_use(dimension: Dimension) -> Use:
    """The expression of a dimension: its own name where it says none."""
    key = "name" if dimension.expr is None else "expr"
    return Use(dimension.expr or dimension.name, None, dimension.origin.at(key))


def unique_uses(source: Source) -> list[Use]:
    """What the documents of a source must differ in."""
    at = source.origin.at("unique")
    return [Use(text, None, at.at(number)) for number, text in enumerate(source.unique)]


def per_uses(metric: Metric) -> list[Use]:
    """What a metric's balances are of."""
    at = metric.origin.at("per")
    return [Use(text, None, at.at(number)) for number, text in enumerate(metric.per)]


def entity_uses(metric: Metric) -> list[Use]:
    """Whose documents a retention follows."""
    if metric.type not in COHORTS or metric.entity is None:
        return []
    return [Use(metric.entity, None, metric.origin.at("entity"))]


def metric_uses(metric: Metric) -> list[Use]:
    """The expressions of an aggregate over its source's documents."""
    found = []
    if metric.expr is not None:
        found.append(Use(metric.expr, expected(metric), metric.origin.at("expr")))
    found += [*per_uses(metric), *entity_uses(metric)]
    if metric.by is not None:
        found.append(Use(metric.by, FieldType.NUMBER, metric.origin.at("by")))
    if metric.where is not None:
        found.append(where_use(metric.where, metric.origin))
    return found


def journey_uses(metric: Metric) -> list[tuple[Events, Use]]:
    """The expressions of a conversion over the documents of its two sources."""
    found: list[tuple[Events, Use]] = []
    for events in (metric.base, metric.conversion):
        if events is None or metric.entity is None:
            continue
        found.append((events, Use(metric.entity, None, metric.origin.at("entity"))))
        if events.where is not None:
            found.append((events, where_use(events.where, events.origin)))
        if metric.where is not None:
            found.append((events, where_use(metric.where, metric.origin)))
    return found


def source_uses(
    source: Source, key: Iterable[str], metrics: Iterable[Metric], filters: Iterable[Use] = ()
) -> list[Use]:
    """All that reads a source: dimensions of the key, its filter, its metrics, filters of composites."""
    wanted = set(key)
    found = [dimension_use(one) for one in source.dimensions if one.name in wanted]
    found += unique_uses(source)
    if source.where is not None:
        found.append(where_use(source.where, source.origin))
    for metric in metrics:
        found += metric_uses(metric)
    return [*found, *filters]

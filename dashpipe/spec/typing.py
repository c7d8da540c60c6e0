"""The expressions of a subject in their scopes: what reads a source, and the types that its fields have.

Lint and the compiler both type through here, so that what lint passes compiles.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from functools import lru_cache
from typing import NamedTuple

from dashpipe import expr
from dashpipe.expr import FieldType, Scope
from dashpipe.spec.model import (
    AGGREGATES,
    COHORTS,
    COMPOSITES,
    OF_SOURCE,
    Dimension,
    Events,
    Metric,
    Origin,
    Source,
    Subject,
)

#: What a metric's expression must be, by metric type; absent: any type.
EXPECTED = dict.fromkeys(
    ("sum", "avg", "median", "percentile", "stddev", "variance"), FieldType.NUMBER
)  # fmt: skip

#: The metric types that group by the value first, and what several of them are called; states of days do not
#: merge into those of months.
BY_VALUE = {
    "count_distinct": "distinct counts",
    "median": "medians",
    "percentile": "percentiles",
    "top": "lists",
}

#: The types that a dimension of the key can have.
KEY_TYPES = (
    FieldType.STRING,
    FieldType.INTEGER,
    FieldType.BOOLEAN,
    FieldType.DATE,
    FieldType.OBJECT_ID,
)


class Use(NamedTuple):
    """One expression over a source's documents: its text, the type that it must have, where it stands."""

    text: str
    expected: FieldType | None
    at: Origin


@lru_cache(maxsize=4096)
def parse(text: str) -> expr.Expr:
    """The tree of an expression; the same texts stand in many subjects.

    Raises:
        expr.ExpressionErrors: It is no expression.
    """
    return expr.parse(text)


def over_metrics(metric: Metric) -> tuple[str, str] | None:
    """The key and the text of a metric's expression over other metrics, ``None`` where it has none."""
    if metric.having is not None:
        return "having", metric.having
    # One of a type that there is not may have been meant as a derived metric.
    return None if metric.type in AGGREGATES or metric.expr is None else ("expr", metric.expr)


def refs(metric: Metric) -> dict[str, expr.Name]:
    """The metrics that an expression over metrics names, each at its first place; none where it is none."""
    given = over_metrics(metric)
    if given is None:
        return {}
    try:
        found = expr.names(parse(given[1]))
    except expr.ExpressionErrors:
        return {}
    return {one.name: one for one in reversed(found)}


def by_value(metric: Metric) -> str | None:
    """What metrics that group by a value first, as this one does, are called; ``None``: it does not."""
    return "balances" if metric.per else BY_VALUE.get(metric.type)


def expected(metric: Metric) -> FieldType | None:
    """What a metric's expression must be; ``None``: of any type. Balances are summed."""
    return FieldType.NUMBER if metric.per else EXPECTED.get(metric.type)


def per_uses(metric: Metric) -> list[Use]:
    """What a metric's balances are of."""
    at = metric.origin.at("per")
    return [Use(text, None, at.at(number)) for number, text in enumerate(metric.per)]


def entity_uses(metric: Metric) -> list[Use]:
    """Whose documents a retention follows."""
    if metric.type not in COHORTS or metric.entity is None:
        return []
    return [Use(metric.entity, None, metric.origin.at("entity"))]


def dimension_use(dimension: Dimension) -> Use:
    """The expression of a dimension: its own name where it says none."""
    key = "name" if dimension.expr is None else "expr"
    return Use(dimension.expr or dimension.name, None, dimension.origin.at(key))


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


def method_of(metric: Metric) -> str:
    """How a median or a percentile is found: ``discrete``, ``continuous`` or ``approximate``."""
    if metric.approximate:
        return "approximate"
    return metric.method or ("continuous" if metric.type == "median" else "discrete")


def result(metric: Metric, value: FieldType | None) -> FieldType | None:
    """The type that rows hold of an aggregate over a value; ``None`` where the value's is unknown."""
    if metric.type in ("count", "count_distinct"):
        return FieldType.INTEGER
    if metric.type == "top" or metric.type in COHORTS:
        return FieldType.ARRAY
    if metric.type in ("stddev", "variance"):
        return FieldType.NUMBER
    if value is None:
        return None
    exact = FieldType.DECIMAL if value is FieldType.DECIMAL else FieldType.NUMBER
    if metric.type == "avg":
        return exact
    if metric.type in ("median", "percentile"):
        method = method_of(metric)
        return {"discrete": value, "continuous": exact}.get(method, FieldType.NUMBER)
    return value


def where_use(text: str, origin: Origin) -> Use:
    """The filter of a source, a metric or an input."""
    return Use(text, FieldType.BOOLEAN, origin.at("where"))


def mongo_type(metric: Metric) -> FieldType | None:
    """The type of what a metric's ``mongo`` gives; ``None`` where nothing says it."""
    return expected(metric) if metric.mongo_type is None else FieldType(metric.mongo_type)


def unique_uses(source: Source) -> list[Use]:
    """What the documents of a source must differ in."""
    at = source.origin.at("unique")
    return [Use(text, None, at.at(number)) for number, text in enumerate(source.unique)]


def reads_elements(source: Source, text: str) -> bool:
    """Whether an expression over a source reads the elements of its array, itself or by a dimension."""
    if source.unwind is None:
        return False
    dimensions = {one.name: one.expr or one.name for one in source.dimensions}
    waiting, seen = [text], {text}
    while waiting:
        try:
            found = expr.names(parse(waiting.pop()))
        except expr.ExpressionErrors:
            continue
        for one in found:
            if one.name in dimensions and not one.forced:
                more = dimensions[one.name]
                if more not in seen:
                    seen.add(more)
                    waiting.append(more)
            if one.name.split(".")[0] == source.unwind.alias:
                return True
    return False


def unit_of(source: Source, metric: Metric | None) -> str | None:
    """What an aggregate counts, and the presence of a row (no metric): documents or elements.

    Returns:
        ``document`` or ``element``, empty in a source without an array that is taken apart; ``None`` where
        the metric does not say it.
    """
    if source.unwind is None:
        return ""
    if metric is None:
        return "document"
    if metric.counts is not None:
        return metric.counts
    alias = source.unwind.alias
    if metric.mongo is not None and any(
        one.split(".")[0] == alias for one in expr.raw_paths(json.loads(metric.mongo))
    ):
        return "element"
    texts = (one for one in (metric.expr, metric.where, metric.by, *metric.per) if one is not None)
    return "element" if any(reads_elements(source, one) for one in texts) else None


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


def scope_of(source: Source, timezone: str, uses: Iterable[Use], without: Collection[str] = ()) -> Scope:
    """The scope of a source's expressions, with the types of all fields fixed over everything that reads it.

    Args:
        source: The source.
        timezone: The subject's time zone, in which dates are read.
        uses: What reads it.
        without: Dimensions whose own expression cannot be read.

    Raises:
        expr.ExpressionErrors: Expressions do not go together, or one is wrong in itself; each error has the
        position of its use.
    """
    dimensions = {
        one.name: parse(one.expr or one.name) for one in source.dimensions if one.name not in without
    }
    declared = {one.path: FieldType(one.type) for one in source.fields if one.type in _TYPES}
    if source.unwind is not None:
        declared.setdefault(source.unwind.path, FieldType.ARRAY)
    scope = Scope(fields=declared, dimensions=dimensions, metrics=None, timezone=timezone)
    fields = expr.infer([(parse(one.text), one.expected) for one in uses], scope)
    return Scope(fields=fields, dimensions=dimensions, metrics=None, timezone=timezone)


def field_types(subject: Subject, source: Source) -> dict[str, FieldType]:
    """The fields of a source whose values are counted: those that it declares, or that are read as a type.

    Raises:
        expr.ExpressionErrors: An expression over the source is wrong.
    """
    own = [one for one in subject.metrics if one.source == source.name and one.type in OF_SOURCE]
    key = [one.name for one in subject.key]
    uses = source_uses(source, key, own, filters(subject).get(source.name, ()))
    fields = scope_of(source, subject.timezone, uses).fields
    return {path: type_ for path, type_ in fields.items() if type_ is not None}


_TYPES = frozenset(one.value for one in FieldType)


def filters(subject: Subject) -> dict[str, list[Use]]:
    """What reads a source besides: filters that composites add to their parts, and events; each text once."""
    metrics = {one.name: one for one in subject.metrics}
    found: dict[str, dict[str, Use]] = {}
    seen: set[tuple[str, tuple[str, ...]]] = set()
    stack: list[tuple[str, tuple[Use, ...]]] = [(one.name, ()) for one in subject.metrics]
    while stack:
        name, wheres = stack.pop()
        metric = metrics.get(name)
        step = (name, tuple(one.text for one in wheres))
        # A metric that is made of itself grows its filters without end; lint says so elsewhere.
        if metric is None or step in seen or len(wheres) > len(metrics):
            continue
        seen.add(step)
        if metric.type not in COMPOSITES:
            sides = (one.source for one in (metric.base, metric.conversion) if one is not None)
            for source in (metric.source, *sides) if wheres else ():
                if source is not None:
                    texts = found.setdefault(source, {})
                    for one in wheres:
                        texts.setdefault(one.text, one)
            continue
        inner = wheres if metric.where is None else (*wheres, where_use(metric.where, metric.origin))
        stack += [(part, _more(inner, where)) for part, where in parts_of(metric)]
    for metric in subject.metrics:
        for events, use in journey_uses(metric):
            found.setdefault(events.source, {}).setdefault(use.text, use)
    return {source: [texts[text] for text in sorted(texts)] for source, texts in found.items()}


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


def parts_of(metric: Metric) -> list[tuple[str, Use | None]]:
    """The metrics that a composite is made of, each with the filter that the composite's input adds."""
    if metric.type == "ratio":
        return [(one, None) for one in (metric.numerator, metric.denominator) if one is not None]
    if metric.type in ("cumulative", "share"):
        return [] if metric.metric is None else [(metric.metric, None)]
    inputs = {one.alias: one for one in metric.inputs}
    found: list[tuple[str, Use | None]] = []
    for name in refs(metric):
        given = inputs.get(name)
        where = None if given is None or given.where is None else where_use(given.where, given.origin)
        found.append((name if given is None else given.metric, where))
    return found


def _more(wheres: tuple[Use, ...], where: Use | None) -> tuple[Use, ...]:
    if where is None or any(one.text == where.text for one in wheres):
        return wheres
    return (*wheres, where)

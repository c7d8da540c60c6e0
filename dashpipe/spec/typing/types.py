"""The types of values: what a metric's must be, and what a row then holds of it."""

from __future__ import annotations

from dashpipe.expr import FieldType
from dashpipe.spec.model import COHORTS, Metric

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


def by_value(metric: Metric) -> str | None:
    """What metrics that group by a value first, as this one does, are called; ``None``: it does not."""
    return "balances" if metric.per else BY_VALUE.get(metric.type)


def expected(metric: Metric) -> FieldType | None:
    """What a metric's expression must be; ``None``: of any type. Balances are summed."""
    return FieldType.NUMBER if metric.per else EXPECTED.get(metric.type)


def mongo_type(metric: Metric) -> FieldType | None:
    """The type of what a metric's ``mongo`` gives; ``None`` where nothing says it."""
    return expected(metric) if metric.mongo_type is None else FieldType(metric.mongo_type)


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

"""Medians, percentiles, spreads, ends and lists as SQL by hand, or in Python where SQL is awkward."""

from __future__ import annotations

import decimal
import math
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from dashpipe.spec.model import Metric

_DECIMAL128 = decimal.Context(prec=34, rounding=decimal.ROUND_HALF_EVEN)

#: The metric types that this module is of.
TYPES = ("median", "percentile", "stddev", "variance", "first", "last", "top")


def is_continuous(metric: Metric) -> bool:
    """Whether a median or percentile may lie between two values."""
    return (metric.method or ("continuous" if metric.type == "median" else "discrete")) == "continuous"


def result(metric: Metric, type_: str) -> str:
    """The type of the metric over values of a type."""
    if metric.type == "top":
        return "list"
    if metric.type in ("stddev", "variance"):
        return "number"
    if metric.type in ("median", "percentile") and is_continuous(metric):
        return "decimal" if type_ == "decimal" else "number"
    return type_


def aggregate(metric: Metric, type_: str, text: str, conditions: list[str], by: str | None) -> str:
    """The SQL aggregate; of a top list, the list of all values.

    Args:
        metric: The metric.
        type_: The type of its values.
        text: Its value as SQL.
        conditions: What documents must satisfy, as SQL.
        by: What a top list is ordered by, as SQL.
    """
    there = " AND ".join(f"({one})" for one in [*conditions, f"({text}) IS NOT NULL"])
    if metric.type in ("stddev", "variance"):
        name = {"stddev": "stddev", "variance": "var"}[metric.type]
        call = f"{name}_{'pop' if metric.population else 'samp'}(({text})::DOUBLE)"
    elif metric.type in ("first", "last"):
        order = "ASC" if metric.type == "first" else "DESC"
        call = f"first({text} ORDER BY _at {order}, _id {order})"
    elif metric.type == "top":
        value = f"epoch_ms({text})" if type_ == "date" else text
        call = f"list({{'v': {value}, 'b': {by or '1'}}})"
    elif is_continuous(metric):
        call = f"quantile_cont(({text}){'::DOUBLE' if type_ == 'decimal' else ''}, {metric.p or '0.5'})"
    else:
        call = f"quantile_disc({text}, {metric.p or '0.5'})"
    return f"{call} FILTER (WHERE {there})"


def every(text: str, conditions: list[str]) -> str:
    """The list of all values, for what Python computes to the last digit."""
    there = " AND ".join(f"({one})" for one in [*conditions, f"({text}) IS NOT NULL"])
    return f"list({text}) FILTER (WHERE {there})"


def ranked(metric: Metric, values: list[Decimal] | None) -> Decimal | None:
    """The median or percentile of decimals, to the last digit."""
    if not values:
        return None
    p, ordered = Decimal(metric.p or "0.5"), sorted(values)
    if not is_continuous(metric):
        return ordered[math.ceil(p * len(ordered)) - 1]
    whole, beyond = divmod(p * (len(ordered) - 1), 1)
    low = ordered[int(whole)]
    if not beyond:
        return low
    high = ordered[int(whole) + 1]
    return _DECIMAL128.add(low, _DECIMAL128.multiply(_DECIMAL128.subtract(high, low), beyond))


def top(pairs: list[Mapping[str, Any]], k: int) -> list[tuple[Any, Any]]:
    """The k values with the greatest sums, each with it; ties by the value."""
    sums: dict[Any, Any] = {}
    for one in pairs:
        sums[one["v"]] = sums.get(one["v"], 0) + (one["b"] or 0)
    return sorted(sums.items(), key=lambda pair: (-pair[1], pair[0]))[:k]

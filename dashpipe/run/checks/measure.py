"""What the checks of a grain need to know of its rows: one scan of staging, and one more a uniqueness key.

Rows that were added for a key (`fill`) are none of those that checks judge.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from dashpipe.compile import emit
from dashpipe.expr import FieldType
from dashpipe.run import encode, operation
from dashpipe.run.base import Run
from dashpipe.spec.model import Bounds, Check, Grain

if TYPE_CHECKING:
    from pymongo.collection import Collection

Document = dict[str, Any]

#: By partition; of the check at position i: m<i> nulls, lo<i>, hi<i> extremes, w<i>, f<i> rows out of bounds.
Measures = Mapping[str, Document]


def scan(run: Run, grain: Grain, staged: Collection[Document], checks: tuple[Check, ...]) -> Measures:
    """Measure the rows of each partition for all checks at once; partitions without rows are absent."""
    group: Document = {"_id": emit.label(grain), "rows": {"$sum": 1}}
    for at, one in enumerate(checks):
        value = f"${one.metric}"
        if one.type == "missing":
            group[f"m{at}"] = {"$sum": {"$cond": [{"$gt": [value, None]}, 0, 1]}}
        if one.type == "range":
            group |= {f"lo{at}": {"$min": value}, f"hi{at}": {"$max": value}}
            for name, bounds in (("w", one.warn), ("f", one.fail)):
                if bounds is not None:
                    group[f"{name}{at}"] = {"$sum": {"$cond": [outside(run, one, bounds), 1, 0]}}
    stages = [{"$match": emit.OWN}, {"$group": group}]
    found = staged.aggregate(encode.to_bson(stages), **operation.options(run, "validate"))
    return {one["_id"]: one for one in found}


def outside(run: Run, check: Check, bounds: Bounds) -> Document:
    """Whether a row's metric is out of bounds, as an expression; a null never is."""
    type_ = next((one.type for one in run.plan.columns if one.name == check.metric), None)
    value = f"${check.metric}"
    tests: list[Document] = []
    for operator, limit in (("$lt", bounds.below), ("$gt", bounds.above)):
        if limit is not None:
            # Decimal 0.05 is below double 0.05: a bound is of its metric's own type.
            typed = Decimal(str(limit)) if type_ is FieldType.DECIMAL else limit
            tests.append({operator: [value, typed]})
    return {"$and": [{"$gt": [value, None]}, {"$or": tests}]}


def repeated(run: Run, grain: Grain, staged: Collection[Document], check: Check) -> Measures:
    """Of each partition in which rows share a key with another row: how many, and the first such key."""
    key: Document = {"p": emit.label(grain)}
    key |= {f"k{at}": {"$ifNull": [f"${name}", None]} for at, name in enumerate(check.keys)}
    stages: list[Document] = [
        {"$match": emit.OWN},
        {"$group": {"_id": key, "n": {"$sum": 1}}},
        {"$match": {"n": {"$gt": 1}}},
        {"$group": {"_id": "$_id.p", "rows": {"$sum": "$n"}, "first": {"$min": "$_id"}}},
    ]
    return {one["_id"]: one for one in staged.aggregate(stages, **operation.options(run, "validate"))}

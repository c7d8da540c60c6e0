"""What ``extract`` asks of a source: mistyped values in the run's partitions, documents without a time."""

from __future__ import annotations

from typing import Any

from dashpipe import expr
from dashpipe.compile import instant
from dashpipe.compile.emit.scan import time_match
from dashpipe.compile.emit.stages import Stages
from dashpipe.compile.plan import Plan
from dashpipe.expr import FieldType
from dashpipe.spec.model import Grain


def types_scan(plan: Plan, source: str, grain: Grain, labels: tuple[str, ...]) -> Stages | None:
    """The pipeline that counts mistyped values: one document of counters by position in ``SourcePlan.types``.

    ``m<i>`` counts the mistyped values of the i-th field, ``d<i>`` the decimals met where ``number`` was
    inferred. A cheap filter in query form lets few documents through, the exact test counts. ``None`` where
    no field has a type. It ignores the source's ``where``: a mistyped value there hides a document and must
    be counted all the same.
    """
    one = plan.source(source)
    declared = {field.path for field in one.source.fields}
    suspects: list[dict[str, Any]] = []
    counters: dict[str, Any] = {}
    for at, (path, type_) in enumerate(one.types):
        suspects += expr.mistyped_query(path, type_)["$or"]
        counters[f"m{at}"] = {"$sum": {"$cond": [expr.mistyped(path, type_), 1, 0]}}
        if type_ is FieldType.NUMBER and path not in declared:
            suspects.append({path: {"$type": "decimal"}})
            counters[f"d{at}"] = {"$sum": {"$cond": [{"$eq": [{"$type": f"${path}"}, "decimal"]}, 1, 0]}}
    if not suspects:
        return None
    match = {"$and": [time_match(plan, one, grain, labels, exactly=True), {"$or": suspects}]}
    return [{"$match": match}, {"$group": {"_id": None, **counters}}]


def untimed(plan: Plan, source: str) -> dict[str, Any]:
    """The filter for documents whose time is missing or of another form than the spec says."""
    return instant.untimed(plan.source(source).source.time)

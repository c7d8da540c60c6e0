"""What ``extract`` asks of a source: mistyped values in the run's partitions, documents without a time."""

from __future__ import annotations

from typing import Any

from dashpipe import expr
from dashpipe.compile import instant
from dashpipe.compile.emit.scan import time_match
from dashpipe.compile.emit.stages import Stages
from dashpipe.compile.emit.unwind import by_element, elements, prepared, taken_apart
from dashpipe.compile.plan import DOCUMENT, Plan
from dashpipe.expr import FieldType
from dashpipe.spec.model import Grain

#: Where an element's number stands while values are counted.
_INDEX = "__index"


def types_scan(plan: Plan, source: str, grain: Grain, labels: tuple[str, ...]) -> Stages | None:
    """The pipeline that counts mistyped values: one document of counters by position in ``SourcePlan.types``.

    ``m<i>`` counts the mistyped values of the i-th field, ``d<i>`` the decimals met where ``number`` was
    inferred. A cheap filter in query form lets few documents through, the exact test counts. ``None`` where
    no field has a type. It ignores the source's ``where``: a mistyped value there hides a document and must
    be counted all the same.
    """
    one = plan.source(source)
    unwind = one.source.unwind
    declared = {field.path for field in one.source.fields}
    suspects: list[dict[str, Any]] = []
    counters: dict[str, Any] = {}
    for at, (path, type_) in enumerate(one.types):
        # A document's own field is counted once, with its first element or with none.
        own = unwind is not None and path.split(".")[0] != unwind.alias
        first = [{"$lte": [f"${_INDEX}", 0]}] if own else []
        suspects += expr.mistyped_query(path, type_)["$or"]
        counters[f"m{at}"] = _count([*first, expr.mistyped(path, type_)])
        if type_ is FieldType.NUMBER and path not in declared:
            suspects.append({path: {"$type": "decimal"}})
            counters[f"d{at}"] = _count([*first, {"$eq": [{"$type": f"${path}"}, "decimal"]}])
    if not suspects:
        return None
    match, odd = time_match(plan, one, grain, labels, exactly=True), {"$or": suspects}
    group = {"$group": {"_id": None, **counters}}
    shaped = prepared(one) + ([] if unwind is None else elements(unwind, keep=True, index=_INDEX))
    if not shaped:
        return [{"$match": {"$and": [match, odd]}}, group]
    return [{"$match": match}, *shaped, {"$match": odd}, group]


def _count(tests: list[Any]) -> dict[str, Any]:
    return {"$sum": {"$cond": [tests[0] if len(tests) == 1 else {"$and": tests}, 1, 0]}}


def untimed(plan: Plan, source: str) -> dict[str, Any]:
    """The filter for documents whose time is missing or of another form than the spec says."""
    return instant.untimed(plan.source(source).source.time)


def untimed_scan(plan: Plan, source: str) -> Stages:
    """The pipeline that counts them as ``{n}``; what ``where`` leaves out may have no time yet."""
    one = plan.source(source)
    stages: Stages = [{"$match": untimed(plan, source)}, *prepared(one), *taken_apart(one, DOCUMENT)]
    if one.where is not None:
        stages.append({"$match": {"$expr": expr.to_condition(one.where)}})
    if by_element(one) or one.source.prepare:
        stages.append({"$group": {"_id": "$_id"}})
    return [*stages, {"$group": {"_id": None, "n": {"$sum": 1}}}]

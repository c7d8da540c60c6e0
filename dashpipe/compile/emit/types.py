"""What ``extract`` asks of a source: its values in the run's partitions, documents without a time."""

from __future__ import annotations

from typing import Any

from dashpipe import expr
from dashpipe.compile import instant
from dashpipe.compile.emit.labels import of_document
from dashpipe.compile.emit.scan import time_match
from dashpipe.compile.emit.stages import Stages
from dashpipe.compile.emit.unwind import by_element, elements, of_element, prepared, taken_apart
from dashpipe.compile.plan import DOCUMENT, Plan
from dashpipe.expr import FieldType
from dashpipe.spec.model import Grain

#: Where an element's number stands while values are counted.
_INDEX = "__index"

_NUMERIC = (FieldType.INTEGER, FieldType.NUMBER, FieldType.DECIMAL)


def types_scan(plan: Plan, source: str, grain: Grain, labels: tuple[str, ...]) -> Stages | None:
    """The pipeline that counts values: one document a partition, with counters by position in ``types``.

    ``n`` counts the documents, ``e`` the elements of an array that is taken apart. Of the i-th of
    ``SourcePlan.types``, ``a<i>`` counts where it is absent, ``z<i>`` null, ``m<i>`` mistyped, of these
    ``f<i>`` NaN or infinite, and ``d<i>`` the decimals met where ``number`` was inferred. ``None`` where no
    field has a type. It ignores the source's ``where``: a mistyped value there hides a document and must be
    counted all the same.
    """
    one = plan.source(source)
    if not one.types:
        return None
    unwind = one.source.unwind
    declared = {field.path for field in one.source.fields}
    # A document's own field is counted once, with its first element or with none.
    own = [] if unwind is None else [{"$lte": [f"${_INDEX}", 0]}]
    there = [{"$gte": [f"${_INDEX}", 0]}]
    calendar = plan.subject.calendar
    counters: dict[str, Any] = {"n": _count(own), **({} if unwind is None else {"e": _count(there)})}
    for at, (path, type_) in enumerate(one.types):
        once = there if unwind is not None and of_element(one, path) else own
        tests = {"a": expr.absent(path), "z": expr.null(path), "m": expr.mistyped(path, type_)}
        if type_ in _NUMERIC:
            tests["f"] = expr.endless(path)
        if type_ is FieldType.NUMBER and path not in declared:
            tests["d"] = {"$eq": [{"$type": f"${path}"}, "decimal"]}
        counters |= {f"{name}{at}": _count([*once, test]) for name, test in tests.items()}
    label = of_document(grain, one.source.time, calendar, labels)
    return [
        {"$match": time_match(plan, one, grain, labels, exactly=True)},
        *prepared(one),
        *([] if unwind is None else elements(unwind, keep=True, index=_INDEX)),
        {"$group": {"_id": label, **counters}},
    ]


def _count(tests: list[Any]) -> dict[str, Any]:
    if not tests:
        return {"$sum": 1}
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

"""Documents that take no part: a field of theirs is mistyped that says `on_type_error: quarantine`.

They are left out after `prepare`, which may mend them, and before all else: before `unique`, so that of two
versions of a thing the last good one counts and no mistyped key makes one of two, and before `where`, which a
mistyped value could hide a document from. One wrong element of an array that is taken apart leaves out the
whole document: what counts documents and what counts elements see the same ones.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from dashpipe import expr
from dashpipe.compile import instant
from dashpipe.compile.emit.labels import of_document
from dashpipe.compile.emit.stages import Stages
from dashpipe.compile.emit.unwind import of_element, prepared
from dashpipe.compile.plan import Plan, SourcePlan
from dashpipe.expr import FieldType, Typed
from dashpipe.spec.model import Grain


def left_out(source: SourcePlan) -> Stages:
    """The stages that leave such documents out; none where no field asks for it."""
    good = [_not_mistyped(source, path, type_) for path, type_ in source.quarantined]
    if not good:
        return []
    return [{"$match": good[0] if len(good) == 1 else {"$and": good}}]


def _not_mistyped(source: SourcePlan, path: str, type_: FieldType) -> dict[str, Any]:
    test: dict[str, Any] = {"$expr": {"$not": [_mistyped(source, path, type_)]}}
    if of_element(source, path):
        return test
    # Most documents pass in query form, which servers look at faster; the expression decides on the others.
    return {"$or": [expr.fitting(path, type_), test]}


def quarantined(
    plan: Plan, source: str, grain: Grain, spans: tuple[tuple[datetime, datetime], ...], label: str = ""
) -> Stages:
    """The pipeline that finds them in ranges of time, of a source where a field asks; as ``verdicts``.

    Args:
        plan: The plan.
        source: The source's name.
        grain: The grain of the labels that are told.
        spans: The ranges.
        label: The partition, of a source that is taken as it stands.
    """
    one = plan.source(source)
    match = instant.between(one.source.time, spans, exactly=True)
    wrong: dict[str, Any] = {"$match": {"f": {"$ne": []}}}
    if not one.source.prepare and not any(of_element(one, path) for path, _ in one.quarantined):
        # Each a tight bound, where an index is there for it.
        odd = [odd for path, type_ in one.quarantined for odd in expr.mistyped_query(path, type_)["$or"]]
        match.append({"$match": {"$or": odd}})
    return [*match, *verdicts(plan, one, grain, label), wrong]


def verdicts(plan: Plan, source: SourcePlan, grain: Grain, label: str = "") -> Stages:
    """The stages that tell of documents what is wrong with them, once each.

    They yield ``{_id, t: instant, p: label, f: [{field, found}]}``: ``found`` is the BSON type, or `nan`.
    Where a source is taken as it stands, there is no instant, and the partition is ``label``.
    """
    moment = instant.value(source.source.time)
    told: Any = of_document(grain, source.source.time, plan.subject.calendar, (label,))
    if source.source.snapshot:
        moment, told = {"$literal": None}, {"$literal": label}
    wrong = [
        {
            "$cond": [
                _mistyped(source, path, type_),
                [{"field": {"$literal": path}, "found": _found(source, path, type_)}],
                [],
            ]
        }
        for path, type_ in source.quarantined
    ]
    fields: Any = {"$concatArrays": wrong} if wrong else {"$literal": []}
    stages: Stages = [*prepared(source), {"$project": {"t": moment, "p": told, "f": fields}}]
    if source.source.prepare:  # which may have made several of one
        worst = {"$max": {"t": "$t", "p": "$p", "f": "$f"}}
        stages += [
            {"$group": {"_id": "$_id", "m": worst}},
            {"$project": {"t": "$m.t", "p": "$m.p", "f": "$m.f"}},
        ]
    return stages


def _mistyped(source: SourcePlan, path: str, type_: FieldType) -> Any:
    if not of_element(source, path):
        return expr.mistyped(path, type_)
    return {"$anyElementTrue": [_each(source, expr.mistyped(f"${path}", type_))]}


def _found(source: SourcePlan, path: str, type_: FieldType) -> Any:
    if not of_element(source, path):
        return _kind(path)
    wrong = {"$filter": {**_elements(source), "cond": expr.mistyped(f"${path}", type_)}}
    return {"$arrayElemAt": [_each(source, _kind(f"${path}"), wrong), 0]}


def _kind(path: str) -> Any:
    through = [{"case": {"$isArray": [f"${one}"]}, "then": "array"} for one in instant.parents(path)]
    branches = [*through, {"case": expr.endless(path), "then": "nan"}]
    return {"$switch": {"branches": branches, "default": {"$type": f"${path}"}}}


def _elements(source: SourcePlan) -> dict[str, Any]:
    """The elements of the array, each under the alias as a variable."""
    unwind = source.source.unwind
    assert unwind is not None
    array = expr.to_agg(Typed("field", FieldType.ARRAY, (), unwind.path))
    return {"input": {"$ifNull": [array, []]}, "as": unwind.alias}


def _each(source: SourcePlan, value: Any, given: Any = None) -> Any:
    elements = _elements(source)
    return {"$map": {**elements, "in": value} if given is None else {**elements, "input": given, "in": value}}

"""What ``extract`` asks of a source: its values in the run's partitions, documents without a time."""

from __future__ import annotations

from typing import Any

from dashpipe import expr
from dashpipe.compile import instant
from dashpipe.compile.emit.kinds import counted, kind, proper
from dashpipe.compile.emit.labels import of_document
from dashpipe.compile.emit.scan import time_match
from dashpipe.compile.emit.stages import Stages
from dashpipe.compile.emit.unwind import by_element, elements, of_element, prepared, taken_apart
from dashpipe.compile.plan import DOCUMENT, Plan
from dashpipe.expr import FieldType
from dashpipe.spec.model import Grain

#: Where an element's number stands while values are counted.
_INDEX = "__index"
#: A field's path and type.
Typing = tuple[str, FieldType]

#: Fields that one scan tells apart: beyond these, what differs between documents could be more than they are.
FIELDS_A_SCAN = 12


def types_scans(
    plan: Plan, source: str, grain: Grain, labels: tuple[str, ...], most: int = FIELDS_A_SCAN
) -> tuple[Stages, ...]:
    """The pipelines that count values: each gives one document a partition, with counters by position.

    ``n`` counts the documents, ``e`` the elements of an array that is taken apart; both come with the first
    pipeline alone. Of the i-th of ``SourcePlan.types``, ``a<i>`` counts where it is absent, ``z<i>`` null,
    ``m<i>`` mistyped, of these ``f<i>`` NaN or infinite, and ``d<i>`` the decimals met where ``number`` was
    inferred. Empty where no field has a type. They ignore the source's ``where``: a mistyped value there
    hides a document and must be counted all the same.

    Documents are grouped by the kinds of all their values, of which there are few, and the groups are
    counted: a counter a kind and field over every document costs nearly twice as much.
    """
    numbered = tuple(enumerate(plan.source(source).types))
    chunks = [numbered[at : at + most] for at in range(0, len(numbered), most)]
    return tuple(_scan(plan, source, grain, labels, chunk) for chunk in chunks)


def _scan(
    plan: Plan, source: str, grain: Grain, labels: tuple[str, ...], fields: tuple[tuple[int, Typing], ...]
) -> Stages:
    one = plan.source(source)
    unwind = one.source.unwind
    declared = {field.path for field in one.source.fields}
    calendar = plan.subject.calendar
    key: dict[str, Any] = {"p": of_document(grain, one.source.time, calendar, labels)}
    if unwind is not None:
        # A document's own field is counted once, with its first element or with none.
        key |= {"own": {"$lte": [f"${_INDEX}", 0]}, "there": {"$gte": [f"${_INDEX}", 0]}}
    counters: dict[str, Any] = {}
    if fields[0][0] == 0:
        counters["n"] = _count([] if unwind is None else ["$_id.own"])
        counters |= {} if unwind is None else {"e": _count(["$_id.there"])}
    for at, (path, type_) in fields:
        key[f"k{at}"] = kind(path, type_)
        unit = [] if unwind is None else ["$_id.there" if of_element(one, path) else "$_id.own"]
        kinds = counted(type_, inferred=path not in declared)
        counters |= {
            f"{name}{at}": _count([*unit, {"$in": [f"$_id.k{at}", list(some)]}])
            for name, some in kinds.items()
        }
        counters[f"m{at}"] = _count([*unit, {"$not": [{"$in": [f"$_id.k{at}", proper(type_)]}]}])
    return [
        *time_match(plan, one, grain, labels, exactly=True),
        *prepared(one),
        *([] if unwind is None else elements(unwind, keep=True, index=_INDEX)),
        {"$group": {"_id": key, "n": {"$sum": 1}}},
        {"$group": {"_id": "$_id.p", **counters}},
    ]


def _count(tests: list[Any]) -> dict[str, Any]:
    """The documents of the groups that pass."""
    if not tests:
        return {"$sum": "$n"}
    return {"$sum": {"$cond": [tests[0] if len(tests) == 1 else {"$and": tests}, "$n", 0]}}


def untimed(plan: Plan, source: str, *, arrays: bool = True) -> dict[str, Any]:
    """The filter for documents whose time is missing or of another form than the spec says.

    ``arrays``: whether there may be times that are arrays, or stand in some.
    """
    return instant.untimed(plan.source(source).source.time, arrays=arrays)


def untimed_scan(plan: Plan, source: str, *, arrays: bool = True) -> Stages:
    """The pipeline that counts them as ``{n}``; what ``where`` leaves out may have no time yet."""
    one = plan.source(source)
    stages: Stages = [
        {"$match": untimed(plan, source, arrays=arrays)},
        *prepared(one),
        *taken_apart(one, DOCUMENT),
    ]
    if one.where is not None:
        stages.append({"$match": {"$expr": expr.to_condition(one.where)}})
    if by_element(one) or one.source.prepare:
        stages.append({"$group": {"_id": "$_id"}})
    return [*stages, {"$group": {"_id": None, "n": {"$sum": 1}}}]

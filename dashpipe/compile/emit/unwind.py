"""Arrays whose elements are counted: one document an element, or each document once in each row.

An element stands under its alias at the top of the document. Elements of what is no array there are none: a
value of another type is NULL, and a path through an array leads to no one value. A document without elements
is no document of the source, unless it is to be kept.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from dashpipe import expr
from dashpipe.compile import instant
from dashpipe.compile.emit.stages import Stage, Stages
from dashpipe.compile.emit.unique import reduced
from dashpipe.compile.plan import DOCUMENT, Leaf, SourcePlan
from dashpipe.expr import FieldType, Typed
from dashpipe.spec.model import Unwind

#: Where a document that counts once in each row keeps that row's group.
_GROUP = "__group"


def taken_apart(source: SourcePlan, unit: str) -> Stages:
    """The stages between choosing documents and filtering them: elements, or documents that have some.

    Args:
        source: The source.
        unit: What is counted: elements, or documents.
    """
    unwind = source.source.unwind
    if unwind is None:
        return []
    if unit == DOCUMENT and not by_element(source):
        return [] if unwind.keep_empty else [{"$match": _some(unwind)}]
    keep = unwind.keep_empty and unit == DOCUMENT
    return elements(unwind, keep)


def elements(unwind: Unwind, keep: bool, index: str | None = None) -> Stages:
    """The stages that make a document of each element, and ``keep`` those that have none.

    Args:
        unwind: The array, and the elements' alias.
        keep: Whether a document without elements stays, its alias null.
        index: The field for the element's number; null where there is no element.
    """
    array = expr.to_agg(Typed("field", FieldType.ARRAY, (), unwind.path))
    how: Stage = {"path": f"${unwind.alias}", "preserveNullAndEmptyArrays": keep}
    if index is not None:
        how["includeArrayIndex"] = index
    return [{"$set": {unwind.alias: array}}, {"$unwind": how}]


def prepared(source: SourcePlan) -> Stages:
    """The stages of the spec, before anything else reads a document."""
    return [json.loads(one) for one in source.source.prepare]


def by_element(source: SourcePlan) -> bool:
    """Whether the rows of a source, or what passes its filter, depend on the elements."""
    unwind = source.source.unwind
    if unwind is None:
        return False
    typed = [one.expr for one in source.key]
    if source.where is not None:
        typed.append(source.where)
    return any(reads(unwind, one) for one in typed)


def reads(unwind: Unwind, typed: Typed) -> bool:
    """Whether an expression reads the elements."""
    return any(path.split(".")[0] == unwind.alias for path in expr.paths(typed))


def of_element(source: SourcePlan, path: str) -> bool:
    """Whether a path is one of the elements of an array that is taken apart."""
    unwind = source.source.unwind
    return unwind is not None and path.split(".", maxsplit=1)[0] == unwind.alias


def once(
    source: SourcePlan, leaves: Iterable[Leaf], unit: str, group: dict[str, Any]
) -> tuple[Stages, dict[str, Any]]:
    """The stages that leave each document once in each row, and the group of what is left.

    Args:
        source: The source.
        leaves: What is computed of the documents.
        unit: What is counted.
        group: The parts of a document's group, as expressions by name.
    """
    if unit != DOCUMENT or not by_element(source):
        return [], group
    read = {source.source.time.field}
    for leaf in leaves:
        read = read.union(*(expr.paths(one) for one in leaf.reads))
    stages: Stages = [
        {"$group": {"_id": {"g": group, "d": "$_id"}, "m": {"$first": reduced(read)}}},
        {"$replaceWith": {"$mergeObjects": ["$m", {"_id": "$_id.d", _GROUP: "$_id.g"}]}},
    ]
    return stages, {name: f"${_GROUP}.{name}" for name in group}


def _some(unwind: Unwind) -> Stage:
    single = {"$not": {"$type": "array"}}
    above = dict.fromkeys(instant.parents(unwind.path), single)
    return {**above, unwind.path: {"$type": "array"}, f"{unwind.path}.0": {"$exists": True}}

"""How a new row and the stored one become the row that is kept, as an expression.

The same expression is the ``whenMatched`` of a merge and, with the row as a literal, the update of a server
that lacks such merges.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from dashpipe.compile.leaves import kind_of
from dashpipe.compile.plan import Leaf, Plan
from dashpipe.expr import FieldType
from dashpipe.run.base import Run
from dashpipe.spec.model import Grain

Document = dict[str, Any]

#: A double this close to the stored one, relative to it, is the same number summed in another order.
SAME = 1e-12

#: What a write adds to a row and comparison leaves out.
ADDED = ("created_at", "updated_at", "_meta")


def stamps(run: Run, fence: int, at: datetime) -> Document:
    """What a row that is new has beside what staging holds."""
    return {"created_at": at, "updated_at": at, "_meta": meta(run, fence)}


def meta(run: Run, fence: int) -> Document:
    """Which run, spec and fence wrote a row."""
    return {
        "run_id": run.id,
        "spec_hash": run.hash,
        "spec_version": run.subject.version,
        "fence": fence,
    }


def kept(plan: Plan, grain: Grain, fence: int) -> Document:
    """The row to keep, from ``$$new`` (with its stamps) and the stored row.

    A row of a higher fence stays as it is. Else the new row is taken, with the stored ``created_at``, the
    stored ``updated_at`` where nothing changed, and each stored double that is the same number.
    """
    columns = plan.columns_at(grain)
    doubles = [one.name for one in columns if one.type is FieldType.NUMBER and grain in one.shown]
    fields: Document = {name: _nearly(f"$$new.{name}", f"${name}") for name in doubles}
    near = {leaf.id: one for leaf in _merging(plan, grain) if (one := _near_state(leaf)) is not None}
    if near:
        fields["_state"] = {"$mergeObjects": ["$$new._state", near]}
    unchanged = _unchanged(plan, grain)
    marks = {
        "created_at": "$created_at",
        "updated_at": {"$cond": [unchanged, "$updated_at", "$$new.updated_at"]},
        "_meta": "$$new._meta",
    }
    row = {
        "$let": {
            "vars": {"row": {"$mergeObjects": ["$$new", fields]}},
            "in": {"$mergeObjects": ["$$row", marks]},
        }
    }
    return {"$cond": [{"$gt": ["$_meta.fence", fence]}, "$$ROOT", row]}


def _merging(plan: Plan, grain: Grain) -> list[Leaf]:
    """The leaves that a row has in ``_state``."""
    return [leaf for source in plan.sources for leaf in source.leaves_at(grain) if leaf.stored]


def _near_state(leaf: Leaf) -> Document | None:
    """The stored state's doubles where the new ones are the same numbers; ``None``: it has no such double."""
    if leaf.type is not FieldType.NUMBER:
        return None
    new, old = f"$$new._state.{leaf.id}", f"$_state.{leaf.id}"
    inside = {path: _nearly(f"{new}.{path}", f"{old}.{path}") for path in kind_of(leaf).doubles if path}
    if inside:
        return {"$cond": [{"$gt": [new, None]}, {"$mergeObjects": [new, inside]}, "$$REMOVE"]}
    return _nearly(new, old) if kind_of(leaf).doubles else None


def _nearly(new: str, old: str) -> Document:
    """The stored double where the new one is the same number, else nothing: the new value stays."""
    both = {"$and": [{"$eq": [{"$type": new}, "double"]}, {"$eq": [{"$type": old}, "double"]}]}
    # Strictly less: of an infinite stored value, every number would be within an infinite distance.
    near = {"$lt": [{"$abs": {"$subtract": [new, old]}}, {"$multiply": [SAME, {"$abs": old}]}]}
    # Not the new value: engines in use give NULL for a path of a variable that is missing.
    return {"$cond": [both, {"$cond": [near, old, "$$REMOVE"]}, "$$REMOVE"]}


def fields(plan: Plan, grain: Grain) -> tuple[str, ...]:
    """The fields of a row of a grain, without ``_id``, state, the mark of an added one and stamps."""
    hour = ("partition_hour",) if grain is Grain.HOUR else ()
    dimensions = (one.name for one in plan.subject.dimensions)
    columns = (one.name for one in plan.columns_at(grain) if grain in one.shown)
    return (*dimensions, *columns, "partition_date", *hour, "grain", "complete")


def _unchanged(plan: Plan, grain: Grain) -> Document:
    """Whether ``$$row`` and the stored row have the same fields with the same values, in whatever order."""
    names = fields(plan, grain)
    equal: list[Document] = [{"$eq": [f"$$row.{name}", f"${name}"]} for name in names]
    states = {
        "$setEquals": [{"$objectToArray": "$$row._state"}, {"$objectToArray": {"$ifNull": ["$_state", {}]}}]
    }
    equal.append({"$or": [{"$eq": ["$$row._state", "$_state"]}, states]})
    known: Any = 2 + len(names) + len(ADDED)  # with _id and _state
    if plan.fills(grain):
        # Not the two marks themselves: engines in use give NULL for a path of a variable that is missing.
        added = [{"$cond": [{"$eq": [f"{one}filled", True]}, 1, 0]} for one in ("$$row.", "$")]
        equal.append({"$eq": added})
        known = {"$add": [known, added[1]]}
    return {"$and": [{"$eq": [{"$size": {"$objectToArray": "$$ROOT"}}, known]}, *equal]}

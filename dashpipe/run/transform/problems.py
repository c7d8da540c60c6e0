"""Rows that must not be written: which they are, and why, for the message."""

from __future__ import annotations

from typing import Any

from dashpipe.compile.emit import Stages
from dashpipe.compile.leaves.plain import may_overflow
from dashpipe.compile.plan import Leaf, Plan
from dashpipe.run import operation
from dashpipe.run.base import Run, Session
from dashpipe.run.errors import RunError
from dashpipe.spec.model import Grain

Document = dict[str, Any]

_SHOWN = 3

_LIMIT = float(2**63)


def count(run: Run, session: Session, grain: Grain, rows: str) -> int:
    """Count the rows in staging.

    Raises:
        RunError: Some have problems; says which rows, and what is wrong.
    """
    bad = {"$sum": {"$cond": [{"$isArray": ["$_problems"]}, 1, 0]}}
    stages = [{"$group": {"_id": None, "rows": {"$sum": 1}, "bad": bad}}]
    options = operation.options(run, "transform")
    found = next(iter(session.target[rows].aggregate(stages, **options)), {"rows": 0, "bad": 0})
    if found["bad"]:
        some = session.target[rows].find({"_problems": {"$exists": True}}, {"_problems": 1}).limit(_SHOWN)
        said = "; ".join(f"row {one['_id']}: {', '.join(sorted(one['_problems']))}" for one in some)
        more = found["bad"] - _SHOWN
        raise RunError(
            f"{found['bad']} rows of grain {grain.value} cannot be written: {said}"
            + (f"; and {more} more" if more > 0 else ""),
            "mend the documents, or the metric; the target is untouched",
        )
    return int(found["rows"])


def wide_sums(plan: Plan, grain: Grain, source: str) -> tuple[Leaf, ...]:
    """The leaves of a source that may leave 64 bits."""
    return tuple(leaf for leaf in plan.source(source).leaves_at(grain) if may_overflow(leaf))


def in_doubles(stages: Stages, leaves: tuple[Leaf, ...]) -> Stages:
    """A pipeline that yields the parts whose integer sums leave 64 bits, from one that fails for them.

    Some servers refuse such a sum without a word about whose it is; summed as doubles, it can be seen.
    """
    changed: Stages = []
    for stage in stages:
        group = stage.get("$group")
        if group is None:
            changed.append(stage)
            continue
        sums = {
            leaf.id: {"$sum": {"$toDouble": group[leaf.id]["$sum"]}} for leaf in leaves if leaf.id in group
        }
        changed.append({"$group": {**group, **sums}})
    tests = [test for leaf in leaves for test in ({leaf.id: {"$gte": _LIMIT}}, {leaf.id: {"$lt": -_LIMIT}})]
    return [*changed, {"$match": {"$or": tests}}, {"$limit": _SHOWN}]


def too_wide(part: Document, leaves: tuple[Leaf, ...]) -> RunError:
    """What to say of a part whose sum leaves 64 bits."""
    labels = [leaf.label for leaf in leaves if abs(part.get(leaf.id) or 0) >= _LIMIT]
    return RunError(
        f"row {part['_id']}: {', '.join(labels)}: the sum exceeds 64 bits",
        "declare the field as number or decimal, or mend the documents; the target is untouched",
    )

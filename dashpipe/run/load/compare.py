"""What a load will remove, and whether that is plausible: found before the first write, on the server."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dashpipe.compile import emit, partition
from dashpipe.run import state, united
from dashpipe.run.base import Run, Session
from dashpipe.run.errors import Refused
from dashpipe.spec.model import Grain

if TYPE_CHECKING:
    from pymongo.collection import Collection

Document = dict[str, Any]

#: So many rows of a collection may vanish in any run.
FREE = 20


@dataclass(frozen=True, slots=True)
class Comparison:
    """A grain's stored rows in the run's partitions, and which of them have no new row.

    Attributes:
        stored: Rows in the target.
        stored_complete: Those in partitions that are over, without rows that were added for a key.
        removed: Stored rows without a new one.
        removed_complete: Those in partitions that are over, without rows that were added for a key.
        listed: The collection with the ids of the removed rows, ``None`` where there are none.
    """

    stored: int = 0
    stored_complete: int = 0
    removed: int = 0
    removed_complete: int = 0
    listed: str | None = None

    def allowed(self, share: float) -> int:
        """How many rows of complete partitions may vanish."""
        return max(FREE, math.floor(share * self.stored_complete))


def compare(run: Run, session: Session, grain: Grain, staged: str) -> Comparison:
    """Compare a grain's staging with the target's rows in all partitions of the run.

    Raises:
        Refused: The target holds documents there that are not ours.
    """
    labels = run.partitions.get(grain, ())
    target = session.collection(run.targets[grain])
    # A row that was added for a key goes with the key's own rows: only these tell whether too much would go.
    late = {"$in": [emit.label(grain), _late(run, grain)]}
    over = {"$and": [{"$not": [late]}, {"$ne": ["$filled", True]}]}
    found = _counted(run, session, target, _held(grain, labels, staged, over))
    if not found["rows"]:
        return Comparison()
    if found["foreign"]:
        raise Refused(
            f"the target {target.name} holds {found['foreign']} documents that are not ours "
            f"in the partitions of this run",
            "move them away, or give `target.collection` another name",
        )
    if not found["removed"]:
        return Comparison(found["rows"], found["over"])
    name = state.staging(run.subject.id, run.id, "removed", grain, session.lease.fence)
    vanished: list[Document] = [{"$match": {"new": 0}}, {"$project": {"over": 1}}, {"$out": name}]
    united.aggregate(run, session, target, [*_held(grain, labels, staged, over), *vanished], "load")
    return Comparison(found["rows"], found["over"], found["removed"], found["removed_over"], name)


def _held(grain: Grain, labels: tuple[str, ...], staged: str, over: Document) -> list[Document]:
    """The stages that hold stored rows against new ones: a document an ``_id``, with how many there are."""
    foreign = {"$cond": [{"$eq": [{"$type": "$_meta.run_id"}, "missing"]}, 1, 0]}
    stored = {"old": {"$literal": 1}, "over": {"$cond": [over, 1, 0]}, "foreign": foreign}
    counts = {name: {"$sum": f"${name}"} for name in ("old", "new", "over", "foreign")}
    return [
        {"$match": emit.rows(grain, labels)},
        {"$project": stored},
        {"$unionWith": {"coll": staged, "pipeline": [{"$project": {"new": {"$literal": 1}}}]}},
        {"$group": {"_id": "$_id", **counts}},
    ]


def _counted(run: Run, session: Session, target: Collection[Document], held: list[Document]) -> Document:
    """How many rows are stored and how many of them vanish, of all and of partitions that are over."""
    gone = {"$eq": ["$new", 0]}
    counted = {
        "_id": None,
        "rows": {"$sum": "$old"},
        "over": {"$sum": "$over"},
        "foreign": {"$sum": "$foreign"},
        "removed": {"$sum": {"$cond": [gone, 1, 0]}},
        "removed_over": {"$sum": {"$cond": [gone, "$over", 0]}},
    }
    nothing: Document = dict.fromkeys(("rows", "over", "foreign", "removed", "removed_over"), 0)
    return next(iter(united.aggregate(run, session, target, [*held, {"$group": counted}], "load")), nothing)


def _late(run: Run, grain: Grain) -> list[str]:
    """The partitions of the run that are not over."""
    labels = run.partitions.get(grain, ())
    return list(partition.incomplete(grain, labels, run.as_of, run.subject.calendar))


def judge(run: Run, grain: Grain, one: Comparison) -> None:
    """Stop before the first write where implausibly many rows would vanish.

    Raises:
        Refused: More than ``target.max_removed`` of the rows of complete partitions, and it is not allowed.
    """
    share = run.subject.target.max_removed
    if run.allow_removal or one.removed_complete <= one.allowed(share):
        return
    raise Refused(
        f"{one.removed_complete} of {one.stored_complete} stored rows of {run.targets[grain].collection} "
        f"would vanish; at most {one.allowed(share)} may ({share:.0%}, or {FREE})",
        "look whether documents of the source are gone; if they should be, run again with --allow-removal "
        '(in Airflow: {"allow_removal": true} in the conf)',
    )

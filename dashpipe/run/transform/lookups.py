"""Looked-up dimensions: the distinct keys of the parts, looked up on the lookup's own connection.

Each key is looked up once a run, so all grains of a run show the same value.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dashpipe.compile import emit
from dashpipe.compile.plan import LookupPlan
from dashpipe.run import operation, state
from dashpipe.run.base import Run, Session
from dashpipe.run.errors import RunError, translating
from dashpipe.run.transform.parts import batches, insert
from dashpipe.spec.model import Grain

if TYPE_CHECKING:
    from pymongo.collection import Collection

Document = dict[str, Any]

#: Keys a round trip; each may be a long text.
_BATCH = 1000

#: A match rate below this is worth a warning.
LOW_RATE = 0.5


@dataclass(frozen=True, slots=True)
class Found:
    """How a lookup went: its collection of ``{_id: key, v: value}``, its keys, how many matched."""

    collection: str
    keys: int
    matched: int

    @property
    def warning(self) -> str | None:
        """A sentence where most keys found nothing."""
        if not self.keys or self.matched >= LOW_RATE * self.keys:
            return None
        return f"only {self.matched} of {self.keys} keys were found"


def prepare(run: Run, session: Session) -> dict[str, str]:
    """Create an empty collection a looked-up dimension, and say their names."""
    first, fence = run.plan.grains[0], session.lease.fence
    names = {
        one.name: state.staging(run.subject.id, run.id, f"lookup_{one.name}", first, fence)
        for one in run.plan.lookups
    }
    for name in names.values():
        session.target.create_collection(name)
    return names


def fill(run: Run, session: Session, grain: Grain, parts: str, names: dict[str, str]) -> None:
    """Look up the keys of a grain's parts that no grain before it had.

    Raises:
        RunError: A key stands twice in the looked-up collection.
    """
    for one in run.plan.lookups:
        with translating(f"looking up {one.name}"):
            _fill(run, session, one, grain, parts, names[one.name])


def _fill(run: Run, session: Session, one: LookupPlan, grain: Grain, parts: str, into: str) -> None:
    session.lease.check()
    path = f"k.{one.key}"
    fresh: list[Document] = [
        *emit.present(run.plan, grain),  # what leaves reach back to brings keys that are no rows
        {"$match": {path: {"$ne": None}}},  # NULL never matches
        {"$group": {"_id": f"${path}"}},
        {"$lookup": {"from": into, "localField": "_id", "foreignField": "_id", "as": "known"}},
        {"$match": {"known": []}},
        {"$project": {"_id": 1}},
    ]
    looked_up = session.collection(run.lookups[one.name])
    options = operation.options(run, "transform")
    with session.target[parts].aggregate(fresh, batchSize=_BATCH, **options) as keys:
        for batch in batches(keys, _BATCH):
            wanted = [key["_id"] for key in batch]
            values = _values(run, one, looked_up, wanted)
            insert(
                session,
                into,
                [{"_id": key, **({"v": values[key]} if key in values else {})} for key in wanted],
            )


def _values(run: Run, one: LookupPlan, looked_up: Collection[Document], wanted: list[Any]) -> dict[Any, Any]:
    """The values of some keys; a key that is not there is absent."""
    stages: list[Document] = [
        {"$match": {one.lookup.foreign: {"$in": wanted}}},
        {"$project": {"_id": 0, "k": f"${one.lookup.foreign}", "v": f"${one.lookup.field}"}},
    ]
    values: dict[Any, Any] = {}
    among = set(wanted)
    for found in looked_up.aggregate(stages, **operation.options(run, "transform")):
        key = found.get("k")
        if isinstance(key, (list, dict)) or key not in among:
            continue  # an array that holds the key is no key
        if key in values:
            raise RunError(
                f"dimension {one.name}: {one.lookup.foreign} {key!r} stands twice in {looked_up.name}",
                f"keep one document a {one.lookup.foreign}, or look up by a field that is unique",
            )
        values[key] = _scalar(found.get("v"))
    return values


def _scalar(value: Any) -> Any:
    """A dimension's value: lists, documents, NaN and infinities are none."""
    if isinstance(value, (list, dict)) or (isinstance(value, float) and not math.isfinite(value)):
        return None
    return value


def report(session: Session, names: dict[str, str]) -> dict[str, Found]:
    """How each lookup of the run went."""
    found = {}
    for dimension, name in names.items():
        matched = {"$sum": {"$cond": [{"$eq": [{"$type": "$v"}, "missing"]}, 0, 1]}}
        stages = [{"$group": {"_id": None, "keys": {"$sum": 1}, "matched": matched}}]
        counted = next(iter(session.target[name].aggregate(stages)), {"keys": 0, "matched": 0})
        found[dimension] = Found(name, counted["keys"], counted["matched"])
    return found

"""Looked-up dimensions: the distinct keys of the parts, looked up on the lookup's own connection.

Each key is looked up once a run, so all grains of a run show the same value; but for what holds as of a day.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from dashpipe.compile import emit
from dashpipe.compile.plan import LookupPlan
from dashpipe.run import operation, staging, state
from dashpipe.run.base import Run, Session
from dashpipe.run.errors import translating
from dashpipe.run.transform.foreign import days_of, held, plain
from dashpipe.run.transform.parts import batches, insert, join
from dashpipe.spec.model import Grain

Document = dict[str, Any]

#: Keys a round trip; each may be a long text.
_BATCH = 1000

#: What was found for a key before; and, with validity, as of which partitions a key was looked up.
_BEFORE, _AS_OF = "known", "ps"

#: A match rate below this is worth a warning.
LOW_RATE = 0.5


@dataclass(frozen=True, slots=True)
class Found:
    """How a lookup went: its collections of ``{_id: key, v: value}``, their keys, how many matched."""

    collections: tuple[str, ...]
    keys: int
    matched: int

    @property
    def warning(self) -> str | None:
        """A sentence where most keys found nothing."""
        if not self.keys or self.matched >= LOW_RATE * self.keys:
            return None
        return f"only {self.matched} of {self.keys} keys were found"


def prepare(run: Run, session: Session, grain: Grain, known: Mapping[str, str]) -> dict[str, str]:
    """The collection of each looked-up dimension of a grain, empty or as the grains before left it.

    A value that holds as of a day is another one in the partitions of another grain: a collection each.

    Args:
        run: The run.
        session: Its session.
        grain: The grain.
        known: The collections of the grain before, by dimension.
    """
    names = {}
    for one in run.plan.lookups:
        if one.name in known and one.lookup.valid is None:
            names[one.name] = known[one.name]
            continue
        kind = f"lookup_{one.name}"
        names[one.name] = state.staging(run.subject.id, run.id, kind, grain, session.lease.fence)
        staging.make(session, names[one.name])
    return names


def fill(
    run: Run, session: Session, grain: Grain, parts: str, names: dict[str, str], *, grouped: bool = False
) -> None:
    """Look up the keys of a grain's parts that no grain before it had.

    Args:
        run: The run.
        session: Its session.
        grain: The grain.
        parts: The collection of its parts.
        names: The collection of each looked-up dimension.
        grouped: Whether to look up what parts are to be grouped by; else the rest.

    Raises:
        RunError: A key stands twice in the looked-up collection.
    """
    for one in run.plan.lookups:
        if one.grouped is not grouped:
            continue
        with translating(f"looking up {one.name}"):
            _fill(run, session, one, grain, parts, names)


def _fill(
    run: Run, session: Session, one: LookupPlan, grain: Grain, parts: str, names: dict[str, str]
) -> None:
    session.lease.check()
    into, where = names[one.name], names[one.key] if one.chained else parts
    known: Document = {"from": into, "localField": "_id", "foreignField": "_id", "as": _BEFORE}
    days = {} if one.lookup.valid is None else days_of(run, one, grain)
    fresh = [*_keys(run, one, grain), {"$lookup": known}, *_lacking(tuple(days))]
    looked_up = session.collection(run.lookups[one.name])
    options = operation.options(run, "transform")
    with session.target[where].aggregate(fresh, batchSize=_BATCH, **options) as keys:
        for batch in batches(keys, _BATCH):
            wanted = [key["_id"] for key in batch]
            if one.lookup.valid is None:
                insert(session, into, plain(run, one, looked_up, wanted))
            else:
                found = held(run, one, looked_up, wanted, days)
                join(session, into, [_with(before, now, days) for before, now in zip(batch, found)])


def _lacking(partitions: tuple[str, ...]) -> list[Document]:
    """The stages that keep the keys which were not looked up yet, or not as of all of some partitions."""
    if not partitions:
        return [{"$match": {_BEFORE: []}}, {"$project": {"_id": 1}}]
    first = {"vars": {"one": {"$first": f"${_BEFORE}"}}}
    before = {name: {"$let": {**first, "in": {"$ifNull": [f"$$one.{name}", []]}}} for name in ("at", _AS_OF)}
    left = {"$ne": [{"$setDifference": [list(partitions), f"${_AS_OF}"]}, []]}
    return [{"$project": before}, {"$match": {"$expr": left}}]


def _with(before: Document, now: Document, partitions: Iterable[str]) -> Document:
    """What a key leads to as of some partitions: what was found for any of them in this run stays."""
    known = set(before[_AS_OF])
    at = [*before["at"], *(one for one in now["at"] if one["p"] not in known)]
    return {"_id": now["_id"], "at": at, _AS_OF: sorted({*known, *partitions})}


def _keys(run: Run, one: LookupPlan, grain: Grain) -> list[Document]:
    """The stages that yield the different keys of a lookup that are not null: NULL never matches."""
    if not one.chained:
        path = f"k.{one.key}"
        # What leaves reach back to brings keys that are no rows; of a hidden key, any may lead to one.
        there = [] if one.grouped else emit.present(run.plan, grain)
        return [*there, {"$match": {path: {"$ne": None}}}, {"$group": {"_id": f"${path}"}}]
    before = next(each for each in run.plan.lookups if each.name == one.key)
    if before.lookup.valid is None:
        return [{"$match": {"v": {"$ne": None}}}, {"$group": {"_id": "$v"}}]
    return [{"$unwind": "$at"}, {"$match": {"at.v": {"$ne": None}}}, {"$group": {"_id": "$at.v"}}]


def report(session: Session, names: Iterable[Mapping[str, str]]) -> dict[str, Found]:
    """How each lookup of the run went.

    Args:
        session: The session.
        names: The collections of each grain, by dimension.
    """
    places: dict[str, dict[str, None]] = {}
    for some in names:
        for dimension, name in some.items():
            places.setdefault(dimension, {})[name] = None
    some_day = {"$gt": [{"$size": {"$ifNull": ["$at", []]}}, 0]}
    matched = {"$or": [{"$ne": [{"$type": "$v"}, "missing"]}, some_day]}
    stages = [{"$group": {"_id": None, "keys": {"$sum": 1}, "matched": {"$sum": {"$cond": [matched, 1, 0]}}}}]
    found = {}
    for dimension, collections in places.items():
        counted = [one for name in collections for one in session.target[name].aggregate(stages)]
        keys, hits = (sum(one[name] for one in counted) for name in ("keys", "matched"))
        found[dimension] = Found(tuple(collections), keys, hits)
    return found

"""Rows that are added for keys that had one: which further partitions change, and the parts of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from dashpipe.compile import emit, partition, periods
from dashpipe.compile.emit import Ref
from dashpipe.run import ledger, united
from dashpipe.run.base import Run
from dashpipe.run.errors import translating
from dashpipe.run.transform import parts
from dashpipe.run.transform.work import Work

#: Partitions a pipeline: each key's own rows are held against all of them.
_CHUNK = 32


def extended(work: Work, name: str, labels: tuple[str, ...]) -> Run:
    """The run with the partitions whose added rows follow from a key that came or went in some of its own.

    Args:
        work: The work.
        name: The collection of parts, with all that these partitions have of their own.
        labels: The partitions that were computed.
    """
    run, grain, calendar = work.run, work.grain, work.run.subject.calendar
    if not run.plan.fills(grain):
        return run
    with translating("looking which rows that were added follow from what changed"):
        changed = _changed(work, name, labels)
        since = partition.midnight(periods.day_of(min(labels)), calendar.timezone)
        known = ledger.since(work.session.target, run.subject.id, grain, since, run.as_of)
        others = {label: kept for label, kept in known.items() if label not in set(work.labels)}
        # What a killed run had written no longer differs: of what it left half-way, all is looked at.
        half = _led_to(run, work, (one for one, kept in others.items() if kept == ledger.LOADED), labels)
        whole = _led_to(run, work, (one for one, kept in others.items() if kept != ledger.LOADED), changed)
    found = {*half, *whole}
    if not found:
        return run
    work.session.setup.log(
        "filled", run=run.id, grain=grain.value, changed=len(changed), partitions=len(found)
    )
    mine = partition.ordered(grain, (*work.labels, *found), calendar)
    return replace(run, partitions={**run.partitions, grain: mine})


def fill(work: Work, name: str) -> None:
    """Add the parts of the rows that are added."""
    run, session = work.run, work.session
    if not run.plan.fills(work.grain):
        return
    target = run.targets[work.grain].collection
    into = Ref(session.target.name, name)
    with translating(f"adding rows of {work.grain.value} for keys that had some"):
        for at in range(0, len(work.labels), _CHUNK):
            some = work.labels[at : at + _CHUNK]
            stages = emit.filled(run.plan, work.grain, some, work.labels, target, into)
            parts.merge(run, session, session.target[name], stages)


def _changed(work: Work, name: str, labels: tuple[str, ...]) -> frozenset[str]:
    """Those of some partitions that have other keys of their own than the stored rows."""
    run = work.run
    rows: emit.Stages = [
        {"$match": {**emit.rows(work.grain, labels), **emit.OWN}},
        {"$project": {"p": emit.label(work.grain)}},
    ]
    stages: emit.Stages = [
        {"$match": {"p": {"$in": list(labels)}}},
        {"$project": {"p": 1}},
        {"$unionWith": {"coll": run.targets[work.grain].collection, "pipeline": rows}},
        {"$group": {"_id": "$_id", "p": {"$first": "$p"}, "n": {"$sum": 1}}},
        {"$match": {"n": {"$ne": 2}}},
        {"$group": {"_id": "$p"}},
    ]
    found = united.aggregate(run, work.session, work.session.target[name], stages, "transform")
    return frozenset(one["_id"] for one in found)


def _led_to(run: Run, work: Work, candidates: Iterable[str], own: Iterable[str]) -> set[str]:
    """Those of some partitions that any of others leads to."""
    lengths, read = run.plan.fills(work.grain), sorted(own)
    found = set()
    for label in candidates if read else ():
        begin = min(emit.since(lengths, label, run.subject.calendar))
        if any(begin <= one < label for one in read):
            found.add(label)
    return found

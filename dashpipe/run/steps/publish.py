"""Publish: say in the ledger which partitions are whole, how fresh, and up to when changes were seen."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from dashpipe.compile import emit
from dashpipe.run import lease, ledger, retention, state
from dashpipe.run.base import Run, Session
from dashpipe.run.guarded import guarded
from dashpipe.run.load import values
from dashpipe.run.operation import options
from dashpipe.spec.model import Grain

if TYPE_CHECKING:
    from pymongo.client_session import ClientSession

Document = dict[str, Any]


def publish(run: Run, session: Session) -> Document:
    """Mark the run's partitions published, in one transaction with the watermarks and the audit.

    Raises:
        LeaseLost: Another run took the lease.
    """
    target, fence = session.target, session.lease.fence
    loaded = int(run.receipts["load"]["fence"])
    strays = sum(_strays(run, session, grain, loaded) for grain in run.partitions)
    strays += values.strays(run, session, loaded)
    rows = {grain: _rows(run, session, grain) for grain in run.partitions}
    newest = _newest(run)
    freshness = None if newest is None else (run.as_of - newest).total_seconds()
    now = lease.server_time(target)
    common = {
        "state": ledger.PUBLISHED,
        "reason": "",
        "watermark": newest,
        "freshness": freshness,
        "published_at": now,
    }
    fields = {
        grain: {
            label: {**common, "rows": rows[grain].get(label, 0), "leaves": _leaves(run, grain)}
            for label in labels
        }
        for grain, labels in run.partitions.items()
    }
    writes = ledger.changes(run, fence, fields)
    seen = {"seen": run.pinned_at, **{f"watermarks.{name}": run.read_at for name in run.sources}}
    counts = {grain.value: len(labels) for grain, labels in run.partitions.items()}
    trace = {
        "event": "publish",
        "subject": run.subject.id,
        "run_id": run.id,
        "fence": fence,
        "at": now,
        "as_of": run.as_of,
        "spec_hash": run.hash,
        "partitions": counts,
        "strays": strays,
    }

    def work(client: ClientSession | None) -> None:
        if writes:
            target[state.PARTITIONS].bulk_write(writes, ordered=False, session=client)
        # A run with an earlier `--now` takes nothing back that a later one saw.
        target[state.TARGETS].update_one({"_id": run.subject.id}, {"$max": seen}, session=client)
        target[state.AUDIT].insert_one(dict(trace), session=client)

    guarded(session, work)
    pruned = retention.prune(run, session)
    session.setup.log(
        "published",
        subject=run.subject.id,
        version=loaded,
        partitions=counts,
        watermark=newest,
        as_of=run.as_of,
    )
    return {
        "version": loaded,
        "asset": f"dashpipe:{run.subject.id}",
        "as_of": run.as_of,
        "watermark": newest,
        "freshness": freshness,
        "partitions": counts,
        "rows": {grain.value: sum(some.values()) for grain, some in rows.items()},
        "strays": strays,
        "pruned": pruned,
    }


def _rows(run: Run, session: Session, grain: Grain) -> dict[str, int]:
    """How many rows each partition of the run has in the target."""
    label: Any = "$partition_date"
    if grain is Grain.HOUR:
        label = {"$concat": ["$partition_date", "T", "$partition_hour"]}
    stages = [
        {"$match": emit.rows(grain, run.partitions[grain])},
        {"$group": {"_id": label, "n": {"$sum": 1}}},
    ]
    found = session.collection(run.targets[grain]).aggregate(stages, **options(run, "publish"))
    return {one["_id"]: one["n"] for one in found}


def _strays(run: Run, session: Session, grain: Grain, loaded: int) -> int:
    """Remove rows of the run's partitions that its load did not write; say how many there were.

    Load leaves none behind; on a server without guarded writes a run that lost its lease may since have put
    some there.
    """
    target = session.collection(run.targets[grain])
    strays = {**emit.rows(grain, run.partitions[grain]), "_meta.fence": {"$ne": loaded}}
    if target.find_one(strays, {"_id": 1}) is None:
        return 0

    def work(client: ClientSession | None) -> int:
        return target.delete_many(strays, session=client).deleted_count

    return guarded(session, work)


def _newest(run: Run) -> datetime | None:
    """The instant up to which every source has documents: the oldest of their newest times."""
    times = [run.receipts[f"extract_{name}"]["newest"] for name in run.sources]
    return None if None in times else min(times)


def _leaves(run: Run, grain: Grain) -> Document:
    """The ids of the leaves of a grain that merge, by source: rows hold their states, or values are kept."""
    found = {}
    for one in run.plan.sources:
        stored = [leaf.id for leaf in one.leaves_at(grain) if leaf.stored]
        found[one.name] = sorted([*stored, *(leaf.id for leaf in run.plan.kept_at(one.name, grain))])
    return found

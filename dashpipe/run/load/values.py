"""Kept values: written beside the rows of the finest grain, under the same fence.

A partition whose values are half written is not published, so no coarser grain is counted from it.
"""

from __future__ import annotations

from typing import Any

from dashpipe.compile import emit
from dashpipe.compile.advice import Index
from dashpipe.run.base import Run, Session
from dashpipe.run.load import beside
from dashpipe.run.places import of_values

Document = dict[str, Any]

#: What every reading and every removal of kept values asks for.
_BY_PARTITION = Index((("partition_date", 1), ("leaf", 1)), "every run reads and replaces whole partitions")


def load(run: Run, session: Session, *, merges: bool) -> Document:
    """Write the kept values of a run's partitions, and remove those that vanished.

    Args:
        run: The run.
        session: Its session.
        merges: Whether the server has guarded merges.

    Returns:
        How many were written and removed; empty where no values are kept.

    Raises:
        LeaseLost: Another run took the lease.
        RunError: Not every value arrived.
    """
    place, fence = of_values(run.plan, run.targets), session.lease.fence
    if place is None:
        return {}
    receipt = run.receipts["transform"]["values"]
    kept = {"$cond": [{"$gt": ["$_meta.fence", fence]}, "$$ROOT", "$$new"]}
    beside.put(run, session, receipt["staging"], place, _BY_PARTITION, kept, merges=merges)
    beside.arrived(run, session, place, {**_mine(run), "_meta.fence": fence}, receipt["kept"], "values")
    removed = beside.remove(session, place, {**_mine(run), "_meta.fence": {"$lt": fence}})
    return {"kept": receipt["kept"], "removed": removed}


def strays(run: Run, session: Session, loaded: int) -> int:
    """Remove values of the run's partitions that its load did not write; say how many there were."""
    place = of_values(run.plan, run.targets)
    if place is None:
        return 0
    return beside.remove(session, place, {**_mine(run), "_meta.fence": {"$ne": loaded}})


def _mine(run: Run) -> Document:
    finest = run.plan.grains[0]
    return emit.rows(finest, run.partitions.get(finest, ()))

"""Ending what an attempt left behind that never left by itself: its last write first, then its staging.

The fence is raised before, so that nothing which the old attempt *begins* now can write. A write that it
began earlier is found by its comment and killed; where the server does not show it, it is waited out.
"""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any

from pymongo.errors import PyMongoError

from dashpipe.run import encode, state
from dashpipe.run.held import Held, server_time
from dashpipe.run.probe import shows_operations

if TYPE_CHECKING:
    from pymongo.database import Database

Document = dict[str, Any]

#: The longest that one guarded write may take on the server, in seconds.
LONGEST_WRITE = 60


def end_previous(database: Database[Document], held: Held, previous: str) -> None:
    """End the writes of an attempt that lost its lease; drop the staging of its run where that is another.

    Args:
        database: The target database.
        held: The lease in our hands, its fence already raised.
        previous: The run of the old attempt.
    """
    if held.writer is not None:
        _end_writes(database, previous)
        database[state.TARGETS].update_one(
            {"_id": held.subject_id, "writing": held.writer}, {"$set": {"writing": None}}
        )
    if previous != held.run_id:
        pattern = {"$regex": f"^{re.escape(state.staging_run(held.subject_id, previous))}"}
        for name in database.list_collection_names(filter={"name": pattern}):
            if state.fence_of(name) < held.fence:
                database.drop_collection(name)
    trace: Document = {"event": "takeover", "subject": held.subject_id, "run_id": held.run_id}
    trace |= {"previous": previous, "fence": held.fence, "at": server_time(database)}
    database[state.AUDIT].insert_one(trace)


def _end_writes(database: Database[Document], previous: str) -> None:
    """Kill the operations of a run; where the server does not show them, wait until none can be left."""
    raised = time.monotonic()
    shown = shows_operations(database)
    while time.monotonic() - raised < LONGEST_WRITE:
        running = _running(database, encode.comment_prefix(previous)) if shown else None
        if running is not None and not running:
            return
        for operation in running or ():
            _kill(database, operation)
        time.sleep(0.2)


def _running(database: Database[Document], prefix: str) -> list[Any] | None:
    """The operations with such a comment, ``None`` where the server does not let us look."""
    try:
        found = database.client.admin.command({"currentOp": 1, "$ownOps": True})["inprog"]
    except PyMongoError:
        return None
    return [
        one["opid"]
        for one in found
        if "opid" in one and str((one.get("command") or {}).get("comment", "")).startswith(prefix)
    ]


def _kill(database: Database[Document], operation: Any) -> None:
    try:
        database.client.admin.command({"killOp": 1, "op": operation})
    except PyMongoError:
        return  # it may just have ended; the next look tells

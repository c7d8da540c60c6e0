"""Ending what a run left behind whose lease ran out: its operations first, then its staging.

The fence is raised before, so that nothing which the old run *begins* now can write. What it began earlier is
found by its comment and killed; where the server does not let us look, it is waited out.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from pymongo.errors import PyMongoError

from dashpipe.run import encode, state

if TYPE_CHECKING:
    from pymongo.database import Database

Document = dict[str, Any]

#: The longest that one guarded write may take on the server, in seconds.
LONGEST_WRITE = 60


def end_previous(
    database: Database[Document], subject_id: str, previous: str, run_id: str, fence: int
) -> None:
    """End the operations of a run that lost its lease, and drop its staging.

    Args:
        database: The target database.
        subject_id: The subject.
        previous: The run whose lease ran out.
        run_id: The run that takes over.
        fence: Its fence, already raised.
    """
    raised = time.monotonic()
    while time.monotonic() - raised < LONGEST_WRITE:
        running = _running(database, encode.comment_prefix(previous))
        if running is not None:
            if not running:
                break
            for operation in running:
                _kill(database, operation)
        time.sleep(0.2 if running is not None else 1)
    prefix = state.staging_run(subject_id, previous)
    for name in database.list_collection_names(filter={"name": {"$regex": f"^{prefix}"}}):
        database.drop_collection(name)
    database[state.AUDIT].insert_one(
        {
            "event": "takeover",
            "subject": subject_id,
            "run_id": run_id,
            "previous": previous,
            "fence": fence,
            "at": database.client.admin.command("hello")["localTime"],
        }
    )


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

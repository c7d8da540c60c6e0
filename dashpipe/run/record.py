"""The run record: what a run is pinned to, and the receipts of its steps.

The first extract writes it (``pin``); every step works from it, whatever the spec says by then.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from pymongo import ReturnDocument

from dashpipe.compile import compile_subject, partition
from dashpipe.run import lease, state
from dashpipe.run.base import Place, Run, Session, Window
from dashpipe.run.errors import LeaseLost
from dashpipe.run.guarded import guarded
from dashpipe.spec import codec
from dashpipe.spec.model import Grain

if TYPE_CHECKING:
    from pymongo.client_session import ClientSession

    from dashpipe.compile import Plan
    from dashpipe.spec.model import Subject

Document = dict[str, Any]

OPEN, CLOSED = "open", "closed"


def find(session: Session) -> Document | None:
    """The record of the session's run, ``None`` where there is none yet."""
    return session.target[state.RUNS].find_one({"_id": session.request.run_id})


def decode(document: Document) -> Run:
    """The record as steps take it; its plan is compiled from the pinned spec.

    Raises:
        ValueError: Another version of dashpipe wrote it.
    """
    subject, plan = _planned(document["spec"])
    return Run(
        id=document["_id"],
        generation=document["generation"],
        subject=subject,
        plan=plan,
        hash=document["fingerprint"]["data"],
        as_of=document["as_of"],
        window=span(document),
        named=document["named"],
        partitions={
            grain: partition.ordered(grain, document["partitions"].get(grain.value, ()), subject.calendar)
            for grain in subject.grains
        },
        sources=_places(document["sources"]),
        lookups=_places(document["lookups"]),
        targets={Grain(name): one for name, one in _places(document["targets"]).items()},
        allow_removal=document["allow_removal"],
        reopened=document["reopened"],
        receipts=document["receipts"],
        pinned_at=document["pinned_at"],
    )


@lru_cache(maxsize=8)
def _planned(spec: str) -> tuple[Subject, Plan]:
    """A pinned spec and its plan, which follows from its text alone: each step reads the record anew."""
    subject = codec.from_json(json.loads(spec))
    return subject, compile_subject(subject)


def span(document: Document) -> Window:
    """The window of a record, which never changes."""
    stored = document["window"]
    also = tuple((start, end) for start, end in stored["also"])
    return Window(stored["start"], stored["end"], stored["why"], also)


def _places(stored: Mapping[str, Document]) -> dict[str, Place]:
    return {name: Place(**one) for name, one in stored.items()}


def update(session: Session, run: Run, change: Document) -> Document:
    """Change the record of a run, as long as it is of the run's generation, and return what it is then.

    Raises:
        LeaseLost: Another run took the lease, or another task of this one pinned its plan anew.
    """

    def work(client: ClientSession | None) -> Document:
        return update_in(client, session, run, change)

    return guarded(session, work)


def update_in(client: ClientSession | None, session: Session, run: Run, change: Document) -> Document:
    """``update`` among other guarded writes."""
    same = {"_id": run.id, "generation": run.generation}
    found = session.target[state.RUNS].find_one_and_update(
        same, change, return_document=ReturnDocument.AFTER, session=client
    )
    if found is None:
        raise LeaseLost(
            f"another task of {run.id} pinned its plan anew",
            "that task goes on; this one changed nothing after that",
        )
    return found


def receipt_of(session: Session, run: Run, task: str, receipt: Document) -> Document:
    """The change that keeps the receipt of a task, with what tells later whether it still holds."""
    held = session.lease
    about = {
        "generation": run.generation,
        "fence": held.fence,
        "tenure": held.tenure,
        "at": lease.server_time(session.target),
    }
    return {"$set": {f"receipts.{task}": {**receipt, **about}}}

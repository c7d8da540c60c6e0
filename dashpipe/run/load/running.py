"""Running states: written under the fence, the documents first, then the stamp that makes them count.

Why a stale one is never used is told in ``run.transform.running``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dashpipe.compile import emit
from dashpipe.compile.advice import Index
from dashpipe.run.base import Place, Run, Session
from dashpipe.run.guarded import guarded
from dashpipe.run.load import beside, row
from dashpipe.run.places import of_state
from dashpipe.run.transform.known import stamp_id, start
from dashpipe.spec.model import Grain

if TYPE_CHECKING:
    from pymongo.client_session import ClientSession

Document = dict[str, Any]

_BY_GENERATION = Index((("grain", 1), ("source", 1), ("gen", 1)), "every run reads one generation")


def load(run: Run, session: Session, *, merges: bool) -> Document:
    """Write the running states that a run made, and remove the generations before them.

    Args:
        run: The run.
        session: Its session.
        merges: Whether the server has guarded merges.

    Returns:
        How many documents were written and removed; empty where nothing is kept running.

    Raises:
        LeaseLost: Another run took the lease.
        RunError: Not every document arrived.
    """
    place, receipt = of_state(run.plan, run.targets), run.receipts["transform"].get("state")
    if place is None or not receipt or not (receipt["made"] or receipt["over"]):
        return {}
    removed = 0
    for one in receipt["made"]:
        beside.put(run, session, one["staging"], place, _BY_GENERATION, "$$new", merges=merges)
        _stamp(run, session, place, one)
        removed += _remove(session, place, one, {"gen": {"$ne": one["gen"]}})
    for one in receipt["over"]:
        _unstamp(session, place, one)
        removed += _remove(session, place, one, {})
    return {"kept": sum(one["n"] for one in receipt["made"]), "removed": removed}


def _stamp(run: Run, session: Session, place: Place, one: Document) -> None:
    """Let a generation count, once it is there as a whole."""
    atom, source = Grain(one["grain"]), one["source"]
    collection, mine = session.collection(place), emit.of_generation(source, atom, one["gen"])
    beside.arrived(run, session, place, mine, one["n"], "running states")
    (running,) = (each for each in run.plan.running if (each.name, each.atom) == (source, atom))
    stamp = {
        "reach": one["reach"],
        "gen": one["gen"],
        "n": one["n"],
        "leaves": sorted(running.kept),
        "start": start(run, running.by).isoformat(),
    }
    whole = {"_id": stamp_id(source, atom), "stamp": stamp, "_meta": row.meta(run, session.lease.fence)}

    def work(client: ClientSession | None) -> None:
        collection.replace_one({"_id": whole["_id"]}, whole, upsert=True, session=client)

    guarded(session, work)


def _unstamp(session: Session, place: Place, one: Document) -> None:
    collection, named = session.collection(place), stamp_id(one["source"], Grain(one["grain"]))

    def work(client: ClientSession | None) -> None:
        collection.delete_one({"_id": named}, session=client)

    guarded(session, work)


def _remove(session: Session, place: Place, one: Document, wanted: Document) -> int:
    return beside.remove(session, place, {"grain": one["grain"], "source": one["source"], **wanted})

"""What the values of a source are: counted a field and partition, and kept in ``dashpipe_values``.

One document a subject, source and partition of the finest grain, replaced by each run that reads it: how many
documents there are, and of each field how often it is missing, null, mistyped, and NaN or infinite (which is
mistyped too). Of an element's field, the elements of the array are counted (``of``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from dashpipe.compile import emit
from dashpipe.compile.emit.unwind import of_element
from dashpipe.run import encode, lacking, lease, route, state
from dashpipe.run.base import Run, Session
from dashpipe.run.guarded import guarded
from dashpipe.run.operation import options
from dashpipe.run.transform.parts import batches

if TYPE_CHECKING:
    from pymongo.client_session import ClientSession

Document = dict[str, Any]

#: What is counted of a field, and the counter of the scan that counts it.
COUNTED = {"missing": "a", "null": "z", "mistyped": "m", "nan": "f"}


def count(run: Run, session: Session, source: str, labels: tuple[str, ...]) -> Document:
    """Count the values of a source in partitions of the finest grain, and keep the counts.

    Returns:
        The sums: ``read`` (documents), ``fields`` as they are kept, ``decimals`` (a field's count of them
        where none was declared), ``lacking`` (warnings of fields that no document has).
    """
    grain = run.plan.grains[0]
    scans = emit.types_scans(run.plan, source, grain, labels) if labels else ()
    if not scans:
        return {"read": None, "fields": [], "decimals": {}, "lacking": []}
    reader = route.reader(run, session, source, route.CURSOR)
    found: dict[str, Document] = {}
    for stages in scans:
        for one in reader.aggregate(encode.to_bson(stages), **options(run, f"extract_{source}")):
            found.setdefault(one["_id"], {}).update(one)
    total: Document = {}
    for one in found.values():
        for name, value in one.items():
            if name != "_id":
                total[name] = total.get(name, 0) + value
    fields = _fields(run, source, total)
    gone = lacking.told(run, session, source, fields)
    _keep(run, session, source, {label: found.get(label, {}) for label in labels})
    types = run.plan.source(source).types
    decimals = {path: total[f"d{at}"] for at, (path, _) in enumerate(types) if total.get(f"d{at}")}
    return {"read": total.get("n", 0), "fields": fields, "decimals": decimals, "lacking": gone}


def _fields(run: Run, source: str, found: Mapping[str, int]) -> list[Document]:
    """The counts of every field, from the counters of the scan."""
    one = run.plan.source(source)
    return [
        {
            "field": path,
            "type": type_.value,
            "of": found.get("e" if of_element(one, path) else "n", 0),
            **{name: found.get(f"{letter}{at}", 0) for name, letter in COUNTED.items()},
        }
        for at, (path, type_) in enumerate(one.types)
    ]


def _keep(run: Run, session: Session, source: str, found: Mapping[str, Mapping[str, int]]) -> None:
    """Replace what is known of some partitions."""
    grain, kept = run.plan.grains[0].value, session.target[state.VALUES]
    about = {"subject": run.subject.id, "source": source, "grain": grain}
    by_whom = {"run_id": run.id, "spec_hash": run.hash, "at": lease.server_time(session.target)}
    documents = [
        {
            "_id": _id(run, source, label),
            **about,
            "partition": label,
            "documents": counts.get("n", 0),
            "fields": _fields(run, source, counts),
            **by_whom,
        }
        for label, counts in found.items()
    ]
    for batch in batches(documents, session.setup.batch_size):
        ids = [one["_id"] for one in batch]

        def work(client: ClientSession | None, ids: list[Any] = ids, batch: list[Document] = batch) -> None:
            kept.delete_many({"_id": {"$in": ids}}, session=client)
            kept.insert_many(batch, ordered=False, session=client)

        guarded(session, work)


def known(run: Run, session: Session, source: str, labels: Iterable[str]) -> dict[str, Document]:
    """What is kept of some partitions of the finest grain, by label; those never counted are absent."""
    ids = [_id(run, source, label) for label in labels]
    return {one["partition"]: one for one in session.target[state.VALUES].find({"_id": {"$in": ids}})}


def _id(run: Run, source: str, label: str) -> str:
    return f"{run.subject.id}|{source}|{run.plan.grains[0].value}|{label}"

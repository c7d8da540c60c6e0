"""Landing: what a source's files or endpoint hold, put into its collection before extract looks at it.

Idempotent: whatever was landed before, and wherever it stopped, the collection ends up with exactly one
document for each row. A file is read whole before anything of it is written, so a broken one changes nothing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from dashpipe.run.base import Run, Session
from dashpipe.run.landing import book, changes, contents, endpoint, files
from dashpipe.run.landing.bad import TOLD, BadRows
from dashpipe.run.landing.identity import Item
from dashpipe.run.landing.reading import types_of
from dashpipe.run.landing.rows import Bad
from dashpipe.run.landing.store import Store, batches
from dashpipe.spec.model import File, Source

Document = dict[str, Any]

#: Grows when the same file is landed as other documents than before.
_FORM = 2


def land(run: Run, session: Session, source: str) -> Document:
    """Land a source, where it is landed, and mark stale what changed.

    Returns:
        For the receipt: ``landed``, the counts of files or requests, of documents, and of ``bad`` rows, the
        first of them told in ``bad_rows``; ``stale``, ``added``.

    Raises:
        Refused: A file or host is not allowed, or the collection is not fit.
        RunError: A file or an answer cannot be read, or has too many bad rows. Of such a file nothing was
            landed; of an endpoint, its good rows.
    """
    one = run.subject.source(source)
    if not one.landed:
        return {}
    book.prepare(run, session, source)
    if one.http is not None:
        landed = endpoint.land(run, session, one, one.http)
    else:
        assert one.file is not None
        landed = _files(run, session, one, one.file)
    changed = changes.mark(run, session, source)
    session.setup.log("landed", source=source, collection=run.sources[source].collection, **landed, **changed)
    return {"landed": landed, **changed}


def _files(run: Run, session: Session, source: Source, file: File) -> Document:
    place, known = run.sources[source.name], book.files(session, run.sources[source.name])
    found = files.find(file.path, session.setup)
    versions = {one.name: _version(source, file, one.content) for one in found}
    store = Store(run, session, source.name, versions)
    counts = {"files": len(found), "read": 0, "bad": 0}
    told: list[str] = []
    for one in found:
        before = known.get(one.name, {})
        version = versions[one.name]
        if before.get("version") == version and before.get("done"):
            known_bad = BadRows(session.setup.log, source.name, before["bad"], before["told"])
            if known_bad.exceed(before["rows"], file.max_bad):
                raise known_bad.refusal(before["rows"], file.max_bad, "its other rows are landed")
            counts["bad"] += before["bad"]
            told += before["told"]
            continue
        landing = _Landing(session, source, file, one)
        if before.get("version") != version:
            rows_, bad = landing.checked()
            before = {"version": version, "row": 0, "rows": rows_, "done": False}
            before.update(bad=bad.count, told=bad.told)
            book.note(session, place, one.name, before)
        for batch in batches(landing.items(before["row"]), session.setup.batch_size):
            store.write(one.name, batch)
        store.keep_only(one.name, version, session.setup.batch_size)
        book.note(session, place, one.name, {"done": True})
        counts["read"] += 1
        counts["bad"] += before["bad"]
        told += before["told"]
    for name in sorted(known.keys() - versions.keys()):
        store.keep_only(name, None, session.setup.batch_size)
        book.forget(session, place, name)
    return {**counts, **({"bad_rows": told[:TOLD]} if told else {}), **store.counts}


def _version(source: Source, file: File, content: str) -> str:
    """What the documents of a file follow from: its content, and how it is read."""
    how = {name: value for name, value in asdict(file).items() if name not in ("path", "max_bad")}
    text = json.dumps([_FORM, how, sorted(types_of(source).items()), content], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


class _Landing:
    """One file on its way."""

    def __init__(self, session: Session, source: Source, file: File, found: files.Found) -> None:
        self._log = session.setup.log
        self._source, self._file, self._found = source, file, found

    def items(self, after: int) -> Iterator[Item]:
        """The documents of the good rows after one that is landed."""
        for one in contents.read(self._source, self._file, self._found):
            if isinstance(one, Item) and one.number > after:
                yield one

    def checked(self) -> tuple[int, BadRows]:
        """How many rows there are, and which of them are bad.

        Raises:
            RunError: More are bad than may be.
        """
        count, bad = 0, BadRows(self._log, self._source.name)
        for one in contents.read(self._source, self._file, self._found):
            count += 1
            if isinstance(one, Bad):
                bad.add(f"{self._found.name}:{one.number}", one.why)
        if bad.exceed(count, self._file.max_bad):
            left = "nothing of this file was landed, and the last good rows stay"
            raise bad.refusal(count, self._file.max_bad, left)
        return count, bad

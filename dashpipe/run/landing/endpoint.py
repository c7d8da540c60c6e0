"""Landing what an HTTP endpoint answers, page by page.

After a page's rows stands a note of what comes after it, so that a reading that stops goes on there; one that
stopped long ago begins anew, since the pages are others by then.
With ``since`` only what changed is asked for, and nothing is removed; else what a whole reading did not bring
is. Rows are known by their key, so that a page that is read twice changes nothing.
A row that cannot be landed is counted and told. With ``since`` the next reading then asks from the same
instant again, for as long as there are any: so each receipt counts all that are out, and what is mended is
found.
"""

from __future__ import annotations

import hashlib
import json
import logging
import uuid
from dataclasses import asdict
from datetime import datetime, timedelta, timezone
from typing import Any

from dashpipe.compile import instant
from dashpipe.run import encode, lease
from dashpipe.run.base import Run, Session
from dashpipe.run.errors import RunError
from dashpipe.run.landing import book, headers, pages
from dashpipe.run.landing.bad import BadRows
from dashpipe.run.landing.identity import LANDED, Item
from dashpipe.run.landing.rows import Bad
from dashpipe.run.landing.store import Store, batches
from dashpipe.run.landing.web import Answered, Client, shown
from dashpipe.run.operation import options
from dashpipe.spec.model import Http, Source

Document = dict[str, Any]

_FORM = 2

#: So long a reading that stopped may be gone on with.
_FRESH, _NEVER = timedelta(hours=1), datetime(1970, 1, 1, tzinfo=timezone.utc)

#: Answers that may mean that the mark of a page is not known any more.
_GONE = (400, 404, 410, 422)


def land(run: Run, session: Session, source: Source, http: Http) -> Document:
    """Land an endpoint.

    Returns:
        The counts of requests and rows.

    Raises:
        Refused: It is not allowed, or its headers are not there.
        RunError: It does not answer as it should, or has too many bad rows; what is good stays landed.
    """
    find = session.setup.headers or headers.from_environment(session.setup.environ)
    client = Client(
        session.setup.allow_hosts, headers.of(http.connection, find), session.setup.log, session.lease.check
    )
    place = run.sources[source.name]
    known = book.files(session, place)
    reading = _Reading(run, session, source, http, client)
    before = known.get(http.url, {})
    same = before.get("how") == reading.how
    fresh = before.get("began", _NEVER) > lease.server_time(session.target) - _FRESH
    resumed = same and before.get("done") is False and fresh
    if not resumed:
        before = reading.begun(*_from(before) if same and http.since else (None, True))
    try:
        reading.go(before)
    except Answered as error:
        if not (resumed and reading.pages == 0 and error.status in _GONE):
            raise
        text = f"the endpoint does not go on where the last reading stopped ({error.status}): it begins anew"
        session.setup.log("landing again", level=logging.WARNING, source=source.name, why=text)
        before = reading.begun(before["since"], before["whole"])
        reading.go(before)
    for name in sorted(known.keys() - {http.url}):
        reading.store.keep_only(name, None, session.setup.batch_size)
        book.forget(session, place, name)
    bad: Document = {"bad": reading.bad.count}
    if bad["bad"]:
        bad["bad_rows"] = reading.bad.told
    return {"requests": client.requests, "rows": reading.rows, **bad, **reading.store.counts}


def _from(before: Document) -> tuple[datetime | None, bool]:
    """Since when the reading after one asks, and whether what it does not bring is to be removed."""
    if not before.get("done"):
        return before.get("since"), before.get("whole", True)
    if before["bad"]:
        return before["since"], False
    return before["mark"], before["mark"] is None


class _Reading:
    """One reading of an endpoint."""

    def __init__(self, run: Run, session: Session, source: Source, http: Http, client: Client) -> None:
        self._run, self._session, self._source, self._http, self._client = run, session, source, http, client
        self._pages = pages.of(source, http)
        self._versions: dict[str, str] = {}
        self.store = Store(run, session, source.name, self._versions, again=True)
        self.bad = BadRows(session.setup.log, source.name)
        self.pages = self.rows = 0
        own = ("connection", "since", "max_bad")
        how = {name: one for name, one in asdict(http).items() if name not in own}
        updated = None if source.updated is None else [source.updated.field, source.updated.kind]
        text = json.dumps([_FORM, how, sorted(self._pages.types.items()), updated], sort_keys=True)
        self.how = hashlib.sha256(text.encode()).hexdigest()[:32]

    def begun(self, since: datetime | None, whole: bool) -> Document:
        """The note of a reading that begins: of all, or of what changed since an instant.

        ``whole``: what it does not bring is removed.
        """
        made: Document = {
            "version": uuid.uuid4().hex,
            "how": self.how,
            "since": since,
            "whole": whole,
            "next": None,
            "row": 0,
            "bad": 0,
            "told": [],
            "done": False,
            "began": lease.server_time(self._session.target),
        }
        self._note(made)
        return made

    def go(self, about: Document) -> None:
        """Read from where the note says to the end.

        Raises:
            RunError: More rows are bad than may be; the next reading begins where this one began.
        """
        url, size = self._http.url, self._session.setup.batch_size
        self._versions[url] = about["version"]
        self.bad = BadRows(self._session.setup.log, self._source.name, about["bad"], about["told"])
        number, mark, seen, last = int(about["row"]), about["next"], set[str](), b""
        while True:
            asked = self._pages.request(about["since"], mark)
            body = self._client.get(asked)
            value = self._pages.parsed(body)
            found = list(self._pages.rows(value, number, asked))
            after = self._pages.after(value, asked, mark, bool(found))
            if after is not None:
                text = json.dumps(after)
                if text in seen or (self._http.by == "page" and body == last):
                    raise RunError(
                        f"{shown(asked)} answers the same page again",
                        "see `paging`, and what the endpoint takes",
                    )
                seen.add(text)
            self._write(found)
            self.pages, self.rows = self.pages + 1, self.rows + len(found)
            number, mark, last = number + len(found), after, body
            if after is None:
                break
            self._note({"next": after, "row": number, "bad": self.bad.count, "told": self.bad.told})
        self._limit(about["whole"], number)
        if about["whole"]:
            self.store.keep_only(url, about["version"], size)
        ended: Document = {"done": True, "next": None, "mark": self._newest(about["began"])}
        self._note({**ended, "bad": self.bad.count, "told": self.bad.told})

    def _write(self, found: list[Item | Bad]) -> None:
        for one in found:
            if isinstance(one, Bad):
                self.bad.add(f"{shown(self._http.url)}: row {one.number} of this reading", one.why)
        good = (one for one in found if isinstance(one, Item))
        for batch in batches(good, self._session.setup.batch_size):
            self.store.write(self._http.url, batch)

    def _limit(self, whole: bool, rows: int) -> None:
        """Stop where too many rows are bad: of a whole reading's, else of them and what is landed."""
        if not self.bad.count:
            return
        if not whole:
            own = {f"{LANDED}.file": self._http.url}
            collection = self._session.collection(self._run.sources[self._source.name])
            rows = self.bad.count + collection.count_documents(own)
        if self.bad.exceed(rows, self._http.max_bad):
            self._note({"began": _NEVER})
            raise self.bad.refusal(rows, self._http.max_bad, "the other rows are landed, and none is removed")

    def _note(self, fields: Document) -> None:
        book.note(self._session, self._run.sources[self._source.name], self._http.url, fields)

    def _newest(self, began: datetime) -> datetime | None:
        """Up to when changes were seen: the newest there is, but none after the reading began."""
        updated = self._source.updated
        if updated is None:
            return None
        collection = self._session.collection(self._run.sources[self._source.name])
        stages = encode.to_bson(instant.newest(updated, None, began))
        found = list(collection.aggregate(stages, **options(self._run, f"extract_{self._source.name}")))
        return found[0]["at"] if found else None

"""Landing what an HTTP endpoint answers, page by page.

After a page's rows stands a note of what comes after it, so that a reading that stops goes on there; one that
stopped long ago begins anew, since the pages are others by then.
With ``since`` only what changed is asked for, and nothing is removed; else what a whole reading did not bring
is. Rows are known by their key, so that a page that is read twice changes nothing.
"""

from __future__ import annotations

import hashlib
import json
import logging
import uuid
from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime, timedelta, timezone
from typing import Any
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit, urlunsplit

from dashpipe.compile import instant
from dashpipe.run import encode, lease
from dashpipe.run.base import Run, Session
from dashpipe.run.errors import Refused, RunError
from dashpipe.run.landing import book, headers
from dashpipe.run.landing.identity import Item, item
from dashpipe.run.landing.reading import types_of, zone_of
from dashpipe.run.landing.rows import json as rows
from dashpipe.run.landing.store import Store, batches
from dashpipe.run.landing.web import Answered, Client, shown
from dashpipe.run.operation import options
from dashpipe.run.updated import MARGIN
from dashpipe.spec.hosts import site
from dashpipe.spec.model import Http, Source, Time

Document = dict[str, Any]

_FORM = 1

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
        RunError: It does not answer as it should; what it brought before that stays landed.
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
        since = before.get("mark" if before.get("done") else "since")
        before = reading.begun(since if same and http.since else None)
    try:
        reading.go(before)
    except Answered as error:
        if not (resumed and reading.pages == 0 and error.status in _GONE):
            raise
        text = f"the endpoint does not go on where the last reading stopped ({error.status}): it begins anew"
        session.setup.log("landing again", level=logging.WARNING, source=source.name, why=text)
        before = reading.begun(before.get("since"))
        reading.go(before)
    for name in sorted(known.keys() - {http.url}):
        reading.store.keep_only(name, None, session.setup.batch_size)
        book.forget(session, place, name)
    return {"requests": client.requests, "rows": reading.rows, **reading.store.counts}


class _Reading:
    """One reading of an endpoint."""

    def __init__(self, run: Run, session: Session, source: Source, http: Http, client: Client) -> None:
        self._run, self._session, self._source, self._http, self._client = run, session, source, http, client
        self._types, self._zone = types_of(source), zone_of(http.timezone)
        self._versions: dict[str, str] = {}
        self.store = Store(run, session, source.name, self._versions, again=True)
        self.pages = self.rows = 0
        how = {name: one for name, one in asdict(http).items() if name not in ("connection", "since")}
        updated = None if source.updated is None else [source.updated.field, source.updated.kind]
        text = json.dumps([_FORM, how, sorted(self._types.items()), updated], sort_keys=True)
        self.how = hashlib.sha256(text.encode()).hexdigest()[:32]

    def begun(self, since: datetime | None) -> Document:
        """The note of a reading that begins: of all, or of what changed since an instant."""
        made = {
            "version": uuid.uuid4().hex,
            "how": self.how,
            "since": since,
            "next": None,
            "row": 0,
            "done": False,
            "began": lease.server_time(self._session.target),
        }
        book.note(self._session, self._run.sources[self._source.name], self._http.url, made)
        return made

    def go(self, about: Document) -> None:
        """Read from where the note says to the end."""
        url, size = self._http.url, self._session.setup.batch_size
        self._versions[url] = about["version"]
        number, mark, seen, last = int(about["row"]), about["next"], set[str](), b""
        while True:
            asked = self._request(about["since"], mark)
            body = self._client.get(asked)
            value = self._parsed(body)
            found = list(self._items(value, number, asked))
            after = self._after(value, asked, mark, bool(found))
            if after is not None:
                text = json.dumps(after)
                if text in seen or (self._http.by == "page" and body == last):
                    raise RunError(
                        f"{shown(asked)} answers the same page again",
                        "see `paging`, and what the endpoint takes",
                    )
                seen.add(text)
            for batch in batches(iter(found), size):
                self.store.write(url, batch)
            self.pages, self.rows, number, mark, last = (
                self.pages + 1,
                self.rows + len(found),
                number + len(found),
                after,
                body,
            )
            if after is None:
                break
            book.note(
                self._session, self._run.sources[self._source.name], url, {"next": after, "row": number}
            )
        if about["since"] is None:
            self.store.keep_only(url, about["version"], size)
        ended: Document = {"done": True, "next": None, "mark": self._newest(about["began"])}
        book.note(self._session, self._run.sources[self._source.name], url, ended)

    def _request(self, since: datetime | None, mark: Any) -> str:
        http = self._http
        if http.by == "next" and mark is not None:
            return str(mark)
        given: dict[str, str] = {}
        if http.since is not None and since is not None and self._source.updated is not None:
            given[http.since] = _told(since - MARGIN, self._source.updated)
        if http.by == "page":
            given[http.parameter or ""] = str(http.first if mark is None else mark)
        elif http.by == "cursor" and mark is not None:
            given[http.parameter or ""] = str(mark)
        parts = urlsplit(http.url)
        query = [one for one in parse_qsl(parts.query, keep_blank_values=True) if one[0] not in given]
        asked: str = urlunsplit(parts._replace(query=urlencode([*query, *given.items()])))
        return asked

    def _parsed(self, body: bytes) -> Any:
        try:
            return rows.parse(body.decode("utf-8-sig"))
        except ValueError as error:
            raise RunError(
                f"{shown(self._http.url)} does not answer in JSON ({error})", "see `url`", retry=True
            ) from None

    def _items(self, value: Any, number: int, url: str) -> Iterator[Item]:
        found = _at(value, self._http.items)
        if not isinstance(found, list):
            where = f"`{self._http.items}` of its answer" if self._http.items else "its answer"
            raise RunError(
                f"{shown(url)}: {where} is no list",
                "name in `items` the path of the list of rows in the answer",
            )
        for at, one in enumerate(found, number + 1):
            try:
                if not isinstance(one, dict):
                    raise ValueError("it is no JSON object")
                values = rows.document(one, self._types, self._zone)
                yield item(values, self._http.url, at, self._http.key)
            except ValueError as error:
                raise RunError(
                    f"{shown(url)}: row {at} of this reading cannot be landed: {error}",
                    "nothing of its page was landed, and the last good rows stay",
                ) from None

    def _after(self, value: Any, url: str, mark: Any, some: bool) -> Any:
        """What tells the next page; ``None`` after the last."""
        http = self._http
        if http.by == "page":
            return (http.first if mark is None else int(mark)) + 1 if some else None
        if http.by is None:
            return None
        found = _at(value, http.path)
        if found is None or found == "" or found is False:
            return None
        if not isinstance(found, (str, int)):
            raise RunError(f"{shown(url)}: `{http.path}` of its answer is no text", "see `paging`")
        if http.by == "cursor":
            return str(found)
        after = urljoin(url, str(found))
        if site(after) != site(http.url):
            raise Refused(
                f"{shown(url)} names a next page on another host ({shown(after)})",
                "its headers are for that of `url` alone; see `paging`",
            )
        return after

    def _newest(self, began: datetime) -> datetime | None:
        """Up to when changes were seen: the newest there is, but none after the reading began."""
        updated = self._source.updated
        if updated is None:
            return None
        collection = self._session.collection(self._run.sources[self._source.name])
        stages = encode.to_bson(instant.newest(updated, None, began))
        found = list(collection.aggregate(stages, **options(self._run, f"extract_{self._source.name}")))
        return found[0]["at"] if found else None


def _at(value: Any, path: str | None) -> Any:
    for step in path.split(".") if path else ():
        value = value.get(step) if isinstance(value, dict) else None
    return value


def _told(at: datetime, form: Time) -> str:
    """An instant in the form in which the endpoint tells its own."""
    at = max(at, datetime(1970, 1, 1, tzinfo=timezone.utc)).astimezone(timezone.utc)
    if form.kind == "epoch_s":
        return str(int(at.timestamp()))
    if form.kind == "epoch_ms":
        return str((at - datetime(1970, 1, 1, tzinfo=timezone.utc)) // timedelta(milliseconds=1))
    return f"{at:%Y-%m-%dT%H:%M:%S}Z"

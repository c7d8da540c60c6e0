"""The pages of an endpoint: how each is asked for, which rows an answer has, and what comes after it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit, urlunsplit
from zoneinfo import ZoneInfo

from dashpipe.run.errors import Refused, RunError
from dashpipe.run.landing.identity import Item, at, item
from dashpipe.run.landing.reading import types_of, zone_of
from dashpipe.run.landing.rows import Bad
from dashpipe.run.landing.rows import json as rows
from dashpipe.run.landing.web import shown
from dashpipe.run.updated import MARGIN
from dashpipe.spec.hosts import site
from dashpipe.spec.model import Http, Source, Time

_FIRST = datetime(1970, 1, 1, tzinfo=timezone.utc)


@dataclass(frozen=True, slots=True)
class Pages:
    """How an endpoint is asked, and its answers are read.

    Attributes:
        source: The source that is landed from it.
        http: The endpoint.
        types: The type of each field.
        zone: The zone of times without an offset.
    """

    source: Source
    http: Http
    types: dict[str, str]
    zone: ZoneInfo | None

    def request(self, since: datetime | None, mark: Any) -> str:
        """The URL of a page: the first one, or what an answer before said that comes next."""
        http = self.http
        if http.by == "next" and mark is not None:
            return str(mark)
        given: dict[str, str] = {}
        if http.since is not None and since is not None and self.source.updated is not None:
            given[http.since] = self.since(since)
        if http.by == "page":
            given[http.parameter or ""] = str(http.first if mark is None else mark)
        elif http.by == "cursor" and mark is not None:
            given[http.parameter or ""] = str(mark)
        parts = urlsplit(http.url)
        query = [one for one in parse_qsl(parts.query, keep_blank_values=True) if one[0] not in given]
        asked: str = urlunsplit(parts._replace(query=urlencode([*query, *given.items()])))
        return asked

    def since(self, newest: datetime) -> str:
        """What asks for changes since a little before the newest that is known."""
        assert self.source.updated is not None
        return _told(newest - MARGIN, self.source.updated)

    def parsed(self, body: bytes) -> Any:
        """What an answer says.

        Raises:
            RunError: It is no JSON.
        """
        try:
            return rows.parse(body.decode("utf-8-sig"))
        except ValueError as error:
            page = body.lstrip()[:1] == b"<"
            text = "answers with a web page or XML" if page else f"does not answer in JSON ({error})"
            help = (
                "see `url`, and the headers of its connection: it may ask for a login"
                if page
                else "see `url`"
            )
            raise RunError(f"{shown(self.http.url)} {text}", help, retry=True) from None

    def rows(self, value: Any, number: int, url: str) -> Iterator[Item | Bad]:
        """The rows of an answer, numbered from the one after ``number`` on.

        Raises:
            RunError: It has no list of rows where the spec says.
        """
        found = at(value, self.http.items)
        if not isinstance(found, list):
            where = f"`{self.http.items}` of its answer" if self.http.items else "its answer"
            raise RunError(
                f"{shown(url)}: {where} is no list",
                "name in `items` the path of the list of rows in the answer",
            )
        for place, one in enumerate(found, number + 1):
            try:
                if not isinstance(one, dict):
                    raise ValueError("it is no JSON object")
                values = rows.document(one, self.types, self.zone)
                made: Item | Bad = item(values, self.http.url, place, self.http.key)
            except ValueError as error:
                made = Bad(place, str(error))
            yield made

    def after(self, value: Any, url: str, mark: Any, some: bool) -> Any:
        """What tells the next page; ``None`` after the last. ``some``: the page has rows.

        Raises:
            Refused: It is on another host.
            RunError: It is no text.
        """
        http = self.http
        if http.by == "page":
            return (http.first if mark is None else int(mark)) + 1 if some else None
        if http.by is None:
            return None
        found = at(value, http.path)
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


def of(source: Source, http: Http) -> Pages:
    """The pages of a source's endpoint.

    Raises:
        Refused: There is no such zone.
    """
    return Pages(source, http, types_of(source), zone_of(http.timezone))


def _told(at: datetime, form: Time) -> str:
    """An instant in the form in which the endpoint tells its own."""
    at = max(at, _FIRST).astimezone(timezone.utc)
    if form.kind == "epoch_s":
        return str(int(at.timestamp()))
    if form.kind == "epoch_ms":
        return str((at - _FIRST) // timedelta(milliseconds=1))
    return f"{at:%Y-%m-%dT%H:%M:%S}Z"

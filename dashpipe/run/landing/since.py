"""Whether an endpoint heeds `since`: it is asked once for what changed since a row that it has brought."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

from dashpipe.run.errors import RunError
from dashpipe.run.landing.identity import Item, at
from dashpipe.run.landing.pages import Pages
from dashpipe.run.landing.web import Answered, Client, shown
from dashpipe.run.updated import MARGIN
from dashpipe.spec.model import Time

_FIRST = datetime(1970, 1, 1, tzinfo=timezone.utc)


def heeded(
    pages: Pages, client: Client, whole: Sequence[Item], doubt: Callable[[str, str], None]
) -> str | None:
    """Ask for what changed since the newest change among some rows.

    Args:
        pages: How the endpoint is asked.
        client: What asks it.
        whole: Rows that it answers with without being asked since when.
        doubt: Takes what may be wrong.

    Returns:
        What was found; ``None`` where no row says when it changed, or no `since` is declared.

    Raises:
        RunError: It does not answer as it should then.
    """
    http, updated = pages.http, pages.source.updated
    if http.since is None or updated is None:
        return None
    known = [found for one in whole if (found := _instant(one, updated)) is not None]
    if not known:
        return None
    newest = max(known)
    url, name = pages.request(newest, None), shown(http.url)
    try:
        rows = list(pages.rows(pages.parsed(client.get(url)), 0, url))
    except Answered as error:
        text = f"{name}, asked for changes with `{http.since}`, answers {error.status}"
        help = (
            f"it is asked with {_query(pages, newest)}: is `since` its parameter, and this a form it takes?"
        )
        raise RunError(text, help) from None
    if not rows:
        doubt(
            f"{name}, asked for changes with {_query(pages, newest)}, answers without the row that changed "
            f"at {newest:%Y-%m-%d %H:%M:%S} UTC",
            "a run would miss what changes: is `since` its parameter, and this a form it takes?",
        )
        return None
    answered = [_instant(one, updated) for one in rows if isinstance(one, Item)]
    if any(one is not None and one < newest - MARGIN for one in answered):
        doubt(
            f"{name} answers with older rows when it is asked for changes with {_query(pages, newest)}",
            "each run would read all of it and remove nothing: is `since` its parameter? Else leave it out",
        )
        return None
    if min(known) >= newest - MARGIN:
        return f"`{http.since}` is taken; the rows are too close in time to tell whether it is heeded"
    return f"`{http.since}` is heeded"


def _query(pages: Pages, since: datetime) -> str:
    """The parameter as it is asked, without the others, which may hold a key."""
    return f"`{pages.http.since}={pages.since(since)}`"


def _instant(one: Item, updated: Time) -> datetime | None:
    """When a row changed, ``None`` where it does not say so."""
    value: Any = at(one.values, updated.field)
    if updated.kind in ("epoch_s", "epoch_ms"):
        if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)):
            return None
        seconds = float(value) if updated.kind == "epoch_s" else float(value) / 1000
        return _FIRST + timedelta(seconds=seconds)
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value[:-1] + "+00:00" if value.endswith("Z") else value)
        except ValueError:
            return None
    if not isinstance(value, datetime):
        return None
    return value if value.tzinfo is not None else value.replace(tzinfo=timezone.utc)

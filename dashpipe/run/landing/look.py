"""A look at what a source would be landed from: what a run would find there. Nothing is landed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice

from dashpipe.run import log
from dashpipe.run.base import Setup
from dashpipe.run.landing import contents, files, headers, pages, since
from dashpipe.run.landing.bad import BadRows
from dashpipe.run.landing.identity import Item, at
from dashpipe.run.landing.rows import Bad
from dashpipe.run.landing.web import Client, shown
from dashpipe.spec.model import File, Http, Source

#: So many rows of a file are looked at.
_ROWS = 1000

#: Takes a finding: what was found, and what to do about it.
Doubt = Callable[[str, str], None]


def look(source: Source, setup: Setup, doubt: Doubt) -> str:
    """Read a page of an endpoint, or the first rows of the last file, as a run would.

    Args:
        source: A source with a file or an endpoint.
        setup: Where runs happen.
        doubt: Takes what may be wrong.

    Returns:
        What was found.

    Raises:
        RunError: A run would fail there.
    """
    if source.http is not None:
        return _endpoint(source, source.http, setup, doubt)
    assert source.file is not None
    return _file(source, source.file, setup, doubt)


def _endpoint(source: Source, http: Http, setup: Setup, doubt: Doubt) -> str:
    find = setup.headers or headers.from_environment(setup.environ)
    client = Client(setup.allow_hosts, headers.of(http.connection, find), log.silent, lambda: None, tries=1)
    page = pages.of(source, http)
    url = page.request(None, None)
    value = page.parsed(client.get(url))
    found = list(page.rows(value, 0, url))
    name = shown(http.url)
    more = page.after(value, url, None, bool(found)) is not None
    _judge(source, found, f"{name}: row", http.max_bad, doubt)
    if not found:
        doubt(f"{name} answers without any row", "so nothing tells whether `key` and `fields` are right")
    if not more and http.by not in (None, "page"):
        doubt(
            f"{name} names no next page at `{http.path}`", "right if this is all there is; else see `paging`"
        )
    after = "another page follows" if more else "no page follows"
    changes = since.heeded(page, client, [one for one in found if isinstance(one, Item)], doubt)
    return f"{name} answers with {_rows(len(found))}; {after}" + ("" if changes is None else f"; {changes}")


def _file(source: Source, file: File, setup: Setup, doubt: Doubt) -> str:
    names = files.find(file.path, setup, last=True)
    found = list(islice(contents.read(source, file, names[-1]), _ROWS))
    _judge(source, found, f"{names[-1].name}:", file.max_bad, doubt)
    if not found:
        doubt(f"{names[-1].name} has no rows", "so nothing tells whether `key` and `fields` are right")
    first = "the first " if len(found) == _ROWS else ""
    return f"{names[-1].name} is there and allowed; {first}{_rows(len(found))} looked at"


def _judge(source: Source, found: Sequence[Item | Bad], where: str, share: float, doubt: Doubt) -> None:
    """Tell which rows could not be landed, and which fields that a run needs none has.

    Raises:
        RunError: More rows are bad than may be.
    """
    bad = BadRows(log.silent, source.name)
    for one in found:
        if isinstance(one, Bad):
            bad.add(f"{where}{'' if where.endswith(':') else ' '}{one.number}", one.why)
    if bad.exceed(len(found), share):
        raise bad.refusal(len(found), share, "see `key`")
    if bad.count:
        doubt(
            f"{bad.count} of {_rows(len(found))} cannot be read: {bad.told[0]}", "`max_bad` lets so many be"
        )
    good = [one for one in found if isinstance(one, Item)]
    for field in _missing(source, good):
        doubt(f"no row has `{field}`", "is its name right? It is a path from the row's own fields on")


def _missing(source: Source, good: Iterable[Item]) -> Iterator[str]:
    """The fields that no row has; what `prepare` or `unwind` makes is in none."""
    rows = [one.values for one in good]
    if not rows or source.prepare:
        return
    alias = None if source.unwind is None else source.unwind.alias
    named = [one.field for one in (source.time, source.updated) if one is not None]
    named += [one.path for one in source.fields if one.path.partition(".")[0] != alias]
    for field in dict.fromkeys(named):
        if field != "_id" and all(at(one, field) is None for one in rows):
            yield field


def _rows(number: int) -> str:
    return "1 row" if number == 1 else f"{number:,} rows"

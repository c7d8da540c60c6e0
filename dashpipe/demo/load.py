"""Put the example data into a database."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Any

from dashpipe.demo.flights import FLIGHTS, airport_documents, carrier_documents, flight_documents
from dashpipe.demo.learning import platform

if TYPE_CHECKING:
    from pymongo.database import Database

#: Called with the documents written so far and how many there will be, about.
Progress = Callable[[int, int], None]

BATCH = 2_000

#: The indexes of each collection, on its times.
_INDEXES = {
    "flights": ("departed_at",),
    "lessons": ("ended_at", "modified_at"),
    "reviews": ("created_at",),
    "enrolments": ("enrolled_at",),
}


def load_flights(
    database: Database[dict[str, Any]],
    months: Collection[int] | None = None,
    on_progress: Progress | None = None,
    *,
    origins: Collection[str] | None = None,
) -> int:
    """Replace ``flights``, ``airports`` and ``carriers``; ``flights`` gets an index on its time.

    Args:
        database: Where to.
        months: The months of 2013 to load; None: all.
        on_progress: Called after each batch of flights.
        origins: The airports whose departures to load, by code; None: all three.

    Returns:
        The number of flights.

    Raises:
        DemoError: The package with the flights is not installed.
    """
    _replace(database, "airports", airport_documents())
    _replace(database, "carriers", carrier_documents())
    total = FLIGHTS * (12 if months is None else len(months)) // 12
    documents = flight_documents(months)
    if origins is not None:
        total = total * len(origins) // 3
        documents = (one for one in documents if one["origin"]["code"] in origins)
    count = _replace(database, "flights", documents, on_progress, total=total)
    if on_progress is not None:
        on_progress(count, count)
    return count


def load_learning(
    database: Database[dict[str, Any]],
    seed: int = 1,
    days: int = 240,
    rows: int = 20_000,
    *,
    end: datetime,
    on_progress: Progress | None = None,
) -> int:
    """Replace the collections of the learning platform; they get indexes on their times.

    Args:
        database: Where to.
        seed: See ``platform``, also for ``days``, ``rows`` and ``end``.
        days: Days before ``end``.
        rows: Lessons.
        end: The aware instant before which everything happened.
        on_progress: Called after each batch.

    Returns:
        The number of documents.
    """
    made = platform(seed=seed, days=days, rows=rows, end=end).collections()
    total = sum(len(documents) for documents in made.values())
    before = 0
    for name, documents in made.items():
        before += _replace(database, name, documents, on_progress, before, total)
    return total


def _replace(
    database: Database[dict[str, Any]],
    name: str,
    documents: Iterable[dict[str, Any]],
    on_progress: Progress | None = None,
    before: int = 0,
    total: int = 0,
) -> int:
    database.drop_collection(name)
    # Before the documents: one engine in use takes minutes to index what is larger than its cache.
    for field in _INDEXES.get(name, ()):
        database[name].create_index(field)
    remaining, done = iter(documents), 0
    while batch := list(islice(remaining, BATCH)):
        database[name].insert_many(batch, ordered=False)
        done += len(batch)
        if on_progress is not None:
            on_progress(before + done, max(before + done, total))
    return done

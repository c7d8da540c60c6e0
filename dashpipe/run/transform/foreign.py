"""What keys lead to in a looked-up collection: a document each, or the one that holds on a given day."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from bson import Int64, ObjectId

from dashpipe.compile import emit, partition, periods
from dashpipe.compile.plan import LookupPlan
from dashpipe.run import operation
from dashpipe.run.base import Run
from dashpipe.run.errors import RunError
from dashpipe.spec.model import Grain

if TYPE_CHECKING:
    from pymongo.collection import Collection

Document = dict[str, Any]


def plain(run: Run, one: LookupPlan, looked_up: Collection[Document], wanted: list[Any]) -> list[Document]:
    """``{_id: key, v: value}`` for each key; a key that is not there has no ``v``.

    Raises:
        RunError: A key stands twice.
    """
    found: dict[Any, Document] = {}
    for document in _documents(run, one, looked_up, wanted):
        key = _same(document["k"])
        if key in found:
            raise _twice(one, looked_up.name, found[key], document)
        found[key] = document
    return [
        {"_id": key, **(_value(run, one, found[_same(key)].get("v")) if _same(key) in found else {})}
        for key in wanted
    ]


def held(
    run: Run, one: LookupPlan, looked_up: Collection[Document], wanted: list[Any], days: Mapping[str, str]
) -> list[Document]:
    """``{_id: key, at: [{p: partition, v: value}]}`` for each key: what holds on the day of each partition.

    Raises:
        RunError: Two documents of a key hold on one day.
    """
    versions: dict[Any, list[tuple[str, str, Document]]] = {_same(key): [] for key in wanted}
    for document in _documents(run, one, looked_up, wanted):
        span = _span(document, run.subject.timezone)
        if span is not None:
            versions[_same(document["k"])].append((*span, document))
    made = []
    for key in wanted:
        at = []
        for label, day in days.items():
            holding = [document for start, end, document in versions[_same(key)] if start <= day < end]
            if len(holding) > 1:
                raise _twice(one, looked_up.name, holding[0], holding[1], day)
            at += [{"p": label, **_value(run, one, document.get("v"))} for document in holding]
        made.append({"_id": key, "at": at})
    return made


def _documents(
    run: Run, one: LookupPlan, looked_up: Collection[Document], wanted: list[Any]
) -> Iterator[Document]:
    """The documents of some keys: ``{i: _id, k: key, v: value}``, and ``f`` and ``t`` where they hold."""
    fields: Document = {"_id": 0, "i": "$_id", "k": f"${one.lookup.foreign}", "v": f"${one.lookup.field}"}
    valid = one.lookup.valid
    for name, path in (("f", valid and valid.start), ("t", valid and valid.end)):
        if path is not None:
            fields[name] = f"${path}"
    stages = [{"$match": {one.lookup.foreign: {"$in": wanted}}}, {"$project": fields}]
    among = {_same(key) for key in wanted}
    for found in looked_up.aggregate(stages, **operation.options(run, "transform")):
        key = found.get("k")
        if isinstance(key, (list, dict)) or _same(key) not in among:
            continue  # an array that holds the key is no key
        yield found


def days_of(run: Run, one: LookupPlan, grain: Grain) -> dict[str, str]:
    """For each partition the day that decides, as text: its last one, or the run's where it is not over."""
    calendar = run.subject.calendar
    today = partition.local_date(run.as_of, calendar.timezone)
    labels = run.partitions.get(grain, ())
    if one.grouped:
        labels = emit.held_at(run.plan, grain, labels)
    return {label: min(periods.last_day(grain, label, calendar), today).isoformat() for label in labels}


def _span(document: Document, timezone: str) -> tuple[str, str] | None:
    """From which day on and before which day a document holds; ``None``: a bound is neither date nor text."""
    start, end = _day(document.get("f"), timezone, "0000"), _day(document.get("t"), timezone, "9999-99")
    return None if start is None or end is None else (start, end)


def _day(value: Any, timezone: str, open_: str) -> str | None:
    if value is None:
        return open_
    if isinstance(value, datetime):
        return partition.local_date(value, timezone).isoformat()
    if not isinstance(value, str):
        return None
    try:
        return date.fromisoformat(value[:10]).isoformat()
    except ValueError:
        return None


def _same(key: Any) -> Any:
    """A key as Python tells it apart: true is not 1."""
    return (isinstance(key, bool), key)


def _twice(one: LookupPlan, collection: str, first: Document, second: Document, day: str = "") -> RunError:
    key = f"{one.lookup.foreign} {first['k']!r}"
    both = f"with _id {first.get('i')!r} and {second.get('i')!r}"
    if day:
        return RunError(
            f"dimension {one.name}: of {key} two documents of {collection} hold on {day}, {both}",
            "let one end where the next begins: `to` is the first day on which a document no longer holds",
        )
    return RunError(
        f"dimension {one.name}: {key} stands twice in {collection}, in the documents {both}",
        "keep one of them, look up by a field that is unique, or say with `valid` when each holds",
    )


def _value(run: Run, one: LookupPlan, value: Any) -> Document:
    """What was found, ``v``, as rows hold it."""
    return {"v": _grouping(value, run.subject.timezone) if one.grouped else _scalar(value)}


def _scalar(value: Any) -> Any:
    """A dimension's value: lists, documents, NaN and infinities are none."""
    if isinstance(value, (list, dict)) or (isinstance(value, float) and not math.isfinite(value)):
        return None
    return value


def _grouping(value: Any, timezone: str) -> Any:
    """A value of a row's key: text, a whole number, a truth value, an ObjectId, or the text of a day."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**63:
        return Int64(value)
    if isinstance(value, datetime):
        return partition.local_date(value, timezone).isoformat()
    if isinstance(value, int) and not isinstance(value, bool):
        return Int64(value)
    return value if isinstance(value, (str, bool, ObjectId)) else None

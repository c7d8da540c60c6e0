"""A subject's own SQL over its documents: tables filled by the mistyped rule, and the rows of its query."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from contextlib import closing
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import duckdb
from bson import Decimal128, ObjectId

from dashpipe import expr
from dashpipe.compile import sql
from dashpipe.compile.plan import Plan, SourcePlan
from dashpipe.spec.model import Grain
from tests.differential import times
from tests.differential.documents import Document, put
from tests.differential.reading import reach, read

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_TICK = timedelta(milliseconds=1)


def rows(
    plan: Plan,
    grain: Grain,
    labels: tuple[str, ...],
    documents: Mapping[str, Iterable[Document]],
    unsaid: tuple[str, ...] = (),
) -> list[Document]:
    """The rows of a grain's query over the documents of each source and of each looked-up dimension."""
    made = sql.of_grain(plan, grain, labels)
    assert made.unsaid == unsaid
    with closing(duckdb.connect()) as db:
        for table in sql.tables(plan):
            db.execute(table.statement)
            given = documents[table.of]
            found = {one.name: one for one in plan.sources}
            told = [
                _plain(one, found[table.of]) if table.of in found else _looked_up(plan, table.of, one)
                for one in given
            ]
            columns = ", ".join(f'"{name}" {type_}' for name, type_ in table.columns)
            values = ", ".join(
                f"(JSON '{text}')" for text in (json.dumps(one).replace("'", "''") for one in told)
            )
            if told:
                read = f"SELECT unnest(CAST(one AS STRUCT({columns}))) FROM (VALUES {values}) AS _(one)"
                db.execute(f"INSERT INTO {table.name} BY NAME {read}")
        db.execute(sql.settings(plan))
        db.execute(f"CREATE TABLE made AS {made.text}")
        found_rows = db.execute("SELECT CAST(to_json(made) AS VARCHAR) FROM made").fetchall()
        return [json.loads(text) for (text,) in found_rows]


def differences(wanted: Iterable[Document], found: Iterable[Document], key: Iterable[str]) -> list[str]:
    """What differs between rows that stages computed and rows of a query, a sentence each."""
    key = list(key)
    mine = {_key(one, key): one for one in wanted}
    theirs = {_key(one, key): one for one in found}
    said = [f"{one} is missing" for one in mine.keys() - theirs.keys()]
    said += [f"{one} should not be there" for one in theirs.keys() - mine.keys()]
    for at in mine.keys() & theirs.keys():
        names = theirs[at].keys()
        said += [f"{at} lacks {one}" for one in names - mine[at].keys() - {"filled"}]
        for name in names & mine[at].keys():
            if not alike(mine[at][name], theirs[at][name]):
                said.append(f"{at}.{name} should be {mine[at][name]!r} and is {theirs[at][name]!r}")
    return said


def alike(mine: Any, theirs: Any) -> bool:
    """Whether a stored value is that of a query, as far as doubles go."""
    if isinstance(mine, Decimal128):
        mine = mine.to_decimal()
    if isinstance(mine, bool) or isinstance(theirs, bool):
        return mine is theirs
    if isinstance(mine, (int, float, Decimal)) and isinstance(theirs, (int, float)):
        return math.isclose(mine, theirs, rel_tol=1e-9, abs_tol=1e-9)
    if isinstance(mine, datetime):
        return isinstance(theirs, str) and datetime.fromisoformat(theirs) == mine
    if isinstance(mine, ObjectId):
        return str(mine) == theirs
    if isinstance(mine, list):
        return isinstance(theirs, list) and len(mine) == len(theirs) and all(map(alike, mine, theirs))
    if isinstance(mine, dict):
        return isinstance(theirs, dict) and all(alike(mine[name], theirs[name]) for name in mine)
    return bool(mine == theirs)


def _key(row: Document, key: list[str]) -> tuple[Any, ...]:
    return tuple(str(row.get(one)) if row.get(one) is not None else None for one in key)


def _plain(document: Document, source: SourcePlan) -> Document:
    """A document as JSON: each field that is read in its type, another value as null."""
    made: Document = {"_id": _id(document["_id"])}
    unwind, time = source.source.unwind, source.source.time
    for path, type_ in source.types:
        taken_apart = unwind is not None and (path.split(".")[0] == unwind.alias or path == unwind.path)
        if not taken_apart and path not in ("_id", time.field):
            _set(made, path, _told(read(reach(document, path), type_.value)[0]))
    if unwind is not None:
        array = reach(document, unwind.path)
        own = [(path, type_) for path, type_ in source.types if path.split(".")[0] == unwind.alias]
        there = isinstance(array, list) and not _through(document, unwind.path)
        _set(made, unwind.path, [_element(one, unwind.alias, own) for one in array] if there else None)
    for path in _untyped(source):
        value = reach(document, path)
        _set(made, path, None if value is None else str(value))
    if time.field != "_id":
        _set(made, time.field, _time(reach(document, time.field), time.kind))
    return made


def _untyped(source: SourcePlan) -> set[str]:
    """The fields that balances are told apart by, where nothing says of what type they are."""
    read = {path for leaf in source.leaves for one in leaf.options.per for path in expr.paths(one)}
    return read - {path for path, _ in source.types}


def _through(document: Document, path: str) -> bool:
    """Whether an array lies on the way."""
    steps = path.split(".")
    return any(isinstance(reach(document, ".".join(steps[:at])), list) for at in range(1, len(steps)))


def _element(given: Any, alias: str, types: list[tuple[str, Any]]) -> Any:
    made: Any = None
    for path, type_ in types:
        value = _told(read(reach({alias: given}, path), type_.value)[0])
        if path == alias:
            return value
        made = made or {}
        put(made, path.partition(".")[2], value)
    return made


def _set(into: Document, path: str, value: Any) -> None:
    *above, last = path.split(".")
    for one in above:
        into = into.setdefault(one, {})
        if not isinstance(into, dict):
            return
    into.setdefault(last, value)


def _id(value: Any) -> str:
    return str(value).rjust(24, "0")


def _told(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, list):
        return [_told(one) for one in value]
    return str(value) if isinstance(value, (Decimal, ObjectId)) else value


def _time(value: Any, kind: str) -> Any:
    """A time in its form; null where it is of another."""
    at = times.instant(value, kind)
    if at is None:
        return None
    if kind == "date":
        return at.isoformat()
    if kind in ("iso", "object_id"):
        return str(value)
    ticks = (at - _EPOCH) // _TICK
    if kind == "epoch_ms":
        return ticks
    # The double that is read as this very millisecond: a decimal or another double may be a bit off.
    seconds = ticks / 1000
    while math.floor(seconds * 1000) < ticks:
        seconds = math.nextafter(seconds, math.inf)
    return seconds


def _looked_up(plan: Plan, name: str, document: Document) -> Document:
    """A document of a looked-up collection; what it says may be of any type, here it is text."""
    lookup = next(one.lookup for one in plan.lookups if one.name == name)
    made: Document = {}
    put(made, lookup.field, shown(document.get(lookup.field)))
    foreign = document.get(lookup.foreign)
    put(made, lookup.foreign, _told(foreign))
    for edge in () if lookup.valid is None else (lookup.valid.start, lookup.valid.end):
        if edge is not None:
            put(made, edge, document.get(edge))
    return made


def shown(value: Any) -> Any:
    """A looked-up value as text."""
    return None if value is None else str(value)

"""From a day's (or hour's) label to the partitions that take it: one document is given to each of them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Any

from dashpipe.compile import partition
from dashpipe.compile.covers import Cover
from dashpipe.compile.emit.stages import Stages
from dashpipe.compile.instant import BEGINNING
from dashpipe.spec.model import Calendar, Grain

_DAY = timedelta(days=1)


def taking(covers: Iterable[Cover], label: Any, *, own: bool = False) -> Any:
    """The places of the covers that take a day's or an hour's label, as an expression.

    With ``own`` each is ``{p: label, own: whether it lies in the partition that is meant}``.
    """
    given = tuple(covers)
    listed: list[dict[str, Any]] = []
    for one in given:
        start = "" if one.start is None else one.start.isoformat()
        hours = {"h": list(one.hours)} if one.hours else {}
        begin = {"o": one.own} if own else {}
        listed.append({"p": one.place, "a": start, "b": one.end.isoformat(), **hours, **begin})
    day = {"$substrBytes": ["$$at", 0, 10]} if any(one.hours for one in given) else "$$at"
    test: Any = {"$and": [{"$gte": [day, "$$one.a"]}, {"$lt": [day, "$$one.b"]}]}
    if any(one.hours for one in given):
        test = {"$or": [test, {"$in": ["$$at", {"$ifNull": ["$$one.h", []]}]}]}
    chosen = {"$filter": {"input": {"$literal": listed}, "as": "one", "cond": test}}
    named: Any = "$$one.p"
    if own:
        # A cover ends with its partition: of days, what is not before its first; of hours, the hour itself.
        same = "$eq" if any("T" in one.own for one in given) else "$gte"
        named = {"p": "$$one.p", "own": {same: ["$$at", "$$one.o"]}}
    names = {"$map": {"input": chosen, "as": "one", "in": named}}
    return {"$let": {"vars": {"at": label}, "in": names}}


def early(covers: Iterable[Cover]) -> Stages:
    """The stage that gives all groups of days which every cover takes one and the same ``_id.p``.

    So what is of all time is merged once up to the first day, and not for every day again.
    """
    given = tuple(covers)
    if any(one.start is not None or one.hours for one in given):
        return []
    last = (min(one.end for one in given) - _DAY).isoformat()
    return [{"$set": {"_id.p": {"$max": ["$_id.p", last]}}}]


def spread(covers: Iterable[Cover]) -> Stages:
    """The stages that give each group, whose ``_id.p`` is a day or an hour, to those that take it."""
    return [{"$set": {"_id.p": taking(covers, "$_id.p")}}, {"$unwind": "$_id.p"}]


def instants(covers: Iterable[Cover], calendar: Calendar) -> tuple[tuple[datetime, datetime], ...]:
    """The UTC ranges that covers lie in, in order; days are taken whole."""
    return tuple(
        (
            BEGINNING if start is None else partition.midnight(start, calendar.timezone),
            partition.bounds(Grain.DAY, (end - _DAY).isoformat(), calendar)[1],
        )
        for start, end in _days(covers)
    )


def rows(covers: Iterable[Cover]) -> dict[str, Any]:
    """The filter for the rows of the days that covers lie in, in a collection of days or hours."""
    branches: list[dict[str, Any]] = []
    for start, end in _days(covers):
        low = {} if start is None else {"$gte": start.isoformat()}
        branches.append({"partition_date": {**low, "$lt": end.isoformat()}})
    return branches[0] if len(branches) == 1 else {"$or": branches}


def _days(covers: Iterable[Cover]) -> list[tuple[date | None, date]]:
    """The ranges of days that covers touch, in order, joined where they meet."""
    spans: list[tuple[date | None, date]] = []
    for one in covers:
        edges = [date.fromisoformat(hour[:10]) for hour in one.hours]
        start = None if one.start is None else min([one.start, *edges])
        spans.append((start, max([one.end, *(day + _DAY for day in edges)])))
    joined: list[tuple[date | None, date]] = []
    for start, end in sorted(spans, key=lambda one: (one[0] or date.min, one[1])):
        if joined and (start is None or joined[-1][1] >= start):
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        elif start is None or start < end:
            joined.append((start, end))
    return joined

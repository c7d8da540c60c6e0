"""Metrics that reach beyond their row, by a plain walk over documents: the independent truth of frames.

It knows the design and nothing of the compiler: each value is computed anew from all documents, one row at a
time, in exact Python numbers.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

from dashpipe.spec.model import FISCAL, Calendar, Grain, Metric, Period, Subject
from tests.compile.calendars import begins, first_of

#: What is made of the values of days.
DAILY = ("average", "min", "max")

Document = dict[str, Any]
Key = dict[str, Any]


#: How far a double may be from a number, relative to it: half a bit, and some for the steps on the way.
_ROUNDED = Fraction(1, 2**50)


@dataclass(frozen=True)
class Value:
    """A value, whether any document matched, and how far a double of it may be off.

    What is left of the difference of two large numbers may be off by more than it is itself. ``off`` is
    ``None`` where a quotient of such a number may be anything.
    """

    value: Any
    matched: bool
    off: Fraction | None = Fraction(0)

    def fits(self, double: float | None) -> bool:
        """Whether a double, or null, is this value as well as doubles can say it."""
        if self.off is None:
            return True
        if double is None or self.value is None:
            return double is self.value
        return abs(Fraction(double) - self.value) <= 4 * self.off + abs(self.value) / 10**9


def first_day(grain: Grain, day: date, calendar: Calendar) -> date:
    """The first day of the partition that holds a day."""
    return date.fromisoformat(first_of(grain, day, calendar))


def last_day(grain: Grain, first: date, calendar: Calendar) -> date:
    """The last day of a partition, by walking."""
    day = first
    while first_day(grain, day + timedelta(days=1), calendar) == first:
        day += timedelta(days=1)
    return day


def months_later(day: date, months: int) -> date:
    """The same day of another month, or its last one."""
    at = day.year * 12 + day.month - 1 + months
    return date(at // 12, at % 12 + 1, min(day.day, monthrange(at // 12, at % 12 + 1)[1]))


def earlier(day: date, period: Period, calendar: Calendar) -> date:
    """A day some periods before."""
    if period.unit in ("day", "week"):
        return day - timedelta(days=period.n * (7 if period.unit == "week" else 1))
    months = period.n * {"month": 1, "quarter": 3, "year": 12}[period.unit.removeprefix("fiscal_")]
    fiscal = calendar.fiscal
    if not period.unit.startswith("fiscal_") or fiscal is None or fiscal.first_month is not None:
        return months_later(day, -months)
    first = first_day(Grain.FISCAL_MONTH, day, calendar)
    place = (day - first).days
    for _ in range(months):
        first = first_day(Grain.FISCAL_MONTH, first - timedelta(days=1), calendar)
    last = last_day(Grain.FISCAL_MONTH, first, calendar)
    while first + timedelta(days=place) > last:  # the same weekday of the month's last week
        place -= 7
    return first + timedelta(days=place)


def weeks(year: int, calendar: Calendar) -> list[date]:
    """The first days of the weeks whose fourth day lies in a year: ISO's, where weeks begin on Monday."""
    middles = (date(year, 1, 1) + timedelta(days=at) for at in range(366))
    firsts = (one - timedelta(days=3) for one in middles if one.year == year)
    return [one for one in firsts if begins(Grain.WEEK, one, calendar)]


def offset(grain: Grain, first: date, period: Period, calendar: Calendar) -> date:
    """The partition that an offset leads to."""
    if grain is Grain.WEEK and period.unit == "year":
        year = (first + timedelta(days=3)).year
        place = weeks(year, calendar).index(first)
        there = weeks(year - period.n, calendar)
        return there[min(place, len(there) - 1)]
    if grain in FISCAL:
        period = Period(period.n, f"fiscal_{period.unit.removeprefix('fiscal_')}")
    return earlier(first, period, calendar)


class Walk:
    """The rows of a subject with one source, whose documents have ``at``, dimensions and plain values.

    Without ``as_of`` every partition is over.
    """

    def __init__(
        self,
        subject: Subject,
        documents: Iterable[Document],
        wheres: Mapping[str, Any],
        as_of: datetime | None = None,
    ) -> None:
        self.subject = subject
        self.calendar = subject.calendar
        self.zone = ZoneInfo(subject.timezone)
        last = None if as_of is None else (as_of - timedelta(milliseconds=1)).astimezone(self.zone)
        self.today = date.max if last is None else last.date()
        self.documents = [(one["at"].astimezone(self.zone).date(), one) for one in documents]
        self.metrics = {one.name: one for one in subject.metrics}
        self.wheres = wheres
        self.key = [one.name for one in subject.key]

    def rows(self, grain: Grain, days: Iterable[date]) -> dict[tuple[Any, ...], dict[str, Value]]:
        """The rows of the partitions that hold some days: by first day and key, each metric's value."""
        made: dict[tuple[Any, ...], dict[str, Value]] = {}
        for first in sorted({first_day(grain, day, self.calendar) for day in days}):
            last = last_day(grain, first, self.calendar)
            keys = {
                tuple(one.get(name) for name in self.key)
                for day, one in self.documents
                if first <= day <= last
            }
            for key in keys if self.key else {()}:
                mine = dict(zip(self.key, key))
                made[(first, *key)] = {
                    one.name: self.value(one, (first, last), mine, (grain, first))
                    for one in self.subject.metrics
                    if not one.hidden and (one.grains is None or grain in one.grains)
                }
        return made

    def value(
        self,
        metric: Metric,
        span: tuple[date | None, date],
        key: Key,
        at: tuple[Grain, date],
        wheres: tuple[str, ...] = (),
    ) -> Value:
        """A metric over the documents of a span of days and a key; ``at`` is the partition that it is of."""
        found = self._value(metric, span, key, at, (*wheres, metric.where) if metric.where else wheres)
        if metric.has_empty and not found.matched:
            return Value(metric.empty, False)
        return found

    def _value(
        self,
        metric: Metric,
        span: tuple[date | None, date],
        key: Key,
        at: tuple[Grain, date],
        wheres: tuple[str, ...],
    ) -> Value:
        grain, first = at
        if metric.type == "cumulative":
            end = first if metric.period_agg == "first" else last_day(grain, first, self.calendar)
            end = max(first, min(end, self.today))  # of what is not over, up to the run's day
            if metric.period_agg in DAILY:
                return self._of_days(metric, (first, end), key, at, wheres)
            return self._as_of(metric, end, key, at, wheres)
        if metric.type == "share":
            inner = self.metrics[metric.metric or ""]
            part = self.value(inner, span, key, at, wheres)
            whole = self.value(inner, span, {one: key[one] for one in metric.of}, at, wheres)
            return _quotient(part, whole)
        if metric.type == "ratio":
            top = self.value(self.metrics[metric.numerator or ""], span, key, at, wheres)
            bottom = self.value(self.metrics[metric.denominator or ""], span, key, at, wheres)
            return _quotient(top, bottom)
        if metric.type == "derived":
            return self._derived(metric, span, key, at, wheres)
        if metric.type in ("first", "last"):
            return self._end(metric, span, key, wheres)
        return self._leaf(metric, span, key, wheres)

    def _as_of(
        self, metric: Metric, end: date, key: Key, at: tuple[Grain, date], wheres: tuple[str, ...]
    ) -> Value:
        """A cumulative metric as of the end of a day."""
        start: date | None = None
        if metric.window is not None:
            start = earlier(end + timedelta(days=1), metric.window, self.calendar)
        elif metric.to_date is not None:
            start = first_day(Grain(metric.to_date), end, self.calendar)
        return self.value(self.metrics[metric.metric or ""], (start, end), key, at, wheres)

    def _of_days(
        self,
        metric: Metric,
        span: tuple[date, date],
        key: Key,
        at: tuple[Grain, date],
        wheres: tuple[str, ...],
    ) -> Value:
        """The average, least or greatest value of a cumulative metric on the days of a span."""
        day, last = span
        found = []
        while day <= last:
            found.append(self._as_of(metric, day, key, at, wheres))
            day += timedelta(days=1)
        matched = any(one.matched for one in found)
        if any(one.off is None for one in found):
            return Value(None, matched, None)
        off = max(one.off for one in found if one.off is not None)
        values = [one.value for one in found if one.value is not None]
        if metric.period_agg == "average":
            whole = Fraction(sum(values), len(values)) if values else None
            return Value(whole, matched, off + max(map(abs, values), default=0) * _ROUNDED)
        return Value({"min": min, "max": max}[metric.period_agg or ""](values, default=None), matched, off)

    def _end(
        self, metric: Metric, span: tuple[date | None, date], key: Key, wheres: tuple[str, ...]
    ) -> Value:
        """The first or last value, or that of each key of its own; where there is none, the latest before."""
        start, end = span
        since = date.max if metric.carry is None or start is None else date.min
        if isinstance(metric.carry, Period) and start is not None:
            since = earlier(start, metric.carry, self.calendar)
        accounts: dict[tuple[Any, ...], tuple[list[Document], list[Document]]] = {}
        for day, one in self.documents:
            mine = all(one.get(name) == value for name, value in key.items())
            if one.get(metric.expr or "") is None or not all(self.wheres[where](one) for where in wheres):
                continue
            if not metric.per and not mine:
                continue
            own, before = accounts.setdefault(tuple(one.get(name) for name in metric.per), ([], []))
            if (start is None or start <= day) and day <= end:
                own.append(one)
            elif day <= end and day >= since:
                before.append(one)
        found = []
        for own, before in accounts.values():
            order = lambda one: (one["at"], one["_id"])  # noqa: E731
            best = [min(own, key=order) if metric.type == "first" else max(own, key=order)] if own else []
            best = best or ([max(before, key=order)] if before else [])
            # A balance counts in the row of its document, wherever that is.
            found += [
                one[metric.expr] for one in best if all(one.get(name) == value for name, value in key.items())
            ]
        return Value(sum(found) if found else None, bool(found))

    def _derived(
        self,
        metric: Metric,
        span: tuple[date | None, date],
        key: Key,
        at: tuple[Grain, date],
        wheres: tuple[str, ...],
    ) -> Value:
        grain, first = at
        inputs = {one.alias: one for one in metric.inputs}
        operands: list[Value] = []
        names = (metric.expr or "").split()
        for name in (names[0], names[2]):
            given = inputs.get(name)
            inner = self.metrics[name if given is None else given.metric]
            more = (*wheres, given.where) if given is not None and given.where else wheres
            if given is None or given.offset is None:
                operands.append(self.value(inner, span, key, at, more))
                continue
            there = offset(grain, first, given.offset, self.calendar)
            if there < first_day(grain, date.fromisoformat(self.subject.start), self.calendar):
                # Whether it matched decides on `empty` of the whole, which looks at documents alone.
                one = self.value(
                    inner, (there, last_day(grain, there, self.calendar)), key, (grain, there), more
                )
                operands.append(Value(None, one.matched))
                continue
            operands.append(
                self.value(inner, (there, last_day(grain, there, self.calendar)), key, (grain, there), more)
            )
        a, b = operands
        if names[1] == "/":
            return _quotient(a, b)
        matched, off = a.matched or b.matched, _together(a, b)
        if a.value is None or b.value is None:
            return Value(None, matched, off)
        found = Fraction(a.value) + (1 if names[1] == "+" else -1) * Fraction(b.value)
        return Value(found, matched, off)

    def _leaf(
        self, metric: Metric, span: tuple[date | None, date], key: Key, wheres: tuple[str, ...]
    ) -> Value:
        start, end = span
        mine = [
            one
            for day, one in self.documents
            if (start is None or start <= day)
            and day <= end
            and all(one.get(name) == value for name, value in key.items())
            and all(self.wheres[where](one) for where in wheres)
        ]
        if metric.expr is None:
            return Value(len(mine), bool(mine))
        values = [one[metric.expr] for one in mine if one.get(metric.expr) is not None]
        matched = bool(values)
        if metric.type == "count":
            return Value(len(values), matched)
        if metric.type == "count_distinct":
            return Value(len(set(values)), matched)
        if metric.type == "sum":
            return Value(sum(values), matched)
        if metric.type == "avg":
            return Value(Fraction(sum(values), len(values)) if values else None, matched)
        return Value({"min": min, "max": max}[metric.type](values) if values else None, matched)


def _together(a: Value, b: Value) -> Fraction | None:
    """How far a sum or a difference may be off."""
    if a.off is None or b.off is None:
        return None
    return a.off + b.off + sum(abs(Fraction(one.value or 0)) for one in (a, b)) * _ROUNDED


def _quotient(top: Value, bottom: Value) -> Value:
    matched = top.matched or bottom.matched
    if top.off is None or bottom.off is None:
        return Value(None, matched, None)
    if bottom.off and (bottom.value is None or abs(bottom.value) <= 4 * bottom.off):
        return Value(None, matched, None)  # as a double it may be 0 or not
    if top.value is None or bottom.value is None or bottom.value == 0:
        return Value(None, matched)
    found = Fraction(top.value) / Fraction(bottom.value)
    off = (top.off + abs(found) * bottom.off) / (abs(Fraction(bottom.value)) - bottom.off)
    return Value(found, matched, off)

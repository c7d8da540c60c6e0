"""The truth of subjects that mix features, by a plain walk: each value anew from all documents.

It knows the design and nothing of the compiler: hidden keys, several sources, arrays, quarantine, the newest
of documents that agree, conversions, cohorts, added rows, hours, odd calendars, and each with the others.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta, timezone
from fractions import Fraction
from math import ceil, sqrt
from typing import Any
from zoneinfo import ZoneInfo

from dashpipe.spec.model import Grain, Metric, Period, Source
from tests.compile.calendars import first_of
from tests.differential import times
from tests.differential.reaching import DAILY, earlier, offset
from tests.differential.reading import read
from tests.differential.subjects import Case
from tests.differential.test_conversion import ends

Document = dict[str, Any]
#: A value, and whether any document matched.
Found = tuple[Any, bool]
#: Instants from one (or all before) until another.
Span = tuple[datetime | None, datetime]
#: A partition: its first day and, at grain hour, its hour.
Label = tuple[date, str | None]

_DAY, _HOUR_STEP = timedelta(days=1), timedelta(minutes=15)
_EVER: Span = (None, datetime(2100, 1, 1, tzinfo=timezone.utc))

WHERES: dict[str | None, Callable[[Document], bool]] = {
    None: lambda _: True,
    "n > 1": lambda one: one["n"] is not None and one["n"] > 1,
    "n <= 2": lambda one: one["n"] is not None and one["n"] <= 2,
    "s = 'a'": lambda one: bool(one["s"] == "a"),
    "item.k > 1": lambda one: one["k"] is not None and one["k"] > 1,
}

#: The field that each source has its course in.
LABEL = {"visits": "course", "orders": "c2"}


@dataclass(frozen=True)
class Key:
    """Dimensions of a row, and the day as of which what is looked up holds."""

    dimensions: tuple[tuple[str, Any], ...]
    day: date


@dataclass(frozen=True)
class At:
    """What a value is of: the time, the key, the filters, the partition; ``daily``: each day by itself."""

    span: Span
    key: Key
    grain: Grain
    first: date
    wheres: tuple[str, ...] = ()
    daily: bool = False

    def passes(self, one: Document) -> bool:
        """Whether a document or element passes all filters."""
        return all(WHERES[where](one) for where in self.wheres)


class Walk:
    """The rows of a case over documents."""

    def __init__(self, case: Case, documents: dict[str, list[Document]]) -> None:
        self.subject, self.as_of = case.subject, case.as_of
        self.calendar, self.zone = case.subject.calendar, ZoneInfo(case.subject.timezone)
        self.today = (case.as_of - timedelta(milliseconds=1)).astimezone(self.zone).date()
        self.metrics = {one.name: one for one in case.subject.metrics}
        self.names = [one.name for one in case.subject.row_key]
        self.teachers = documents.get("teachers", [])
        self.units = {one.name: _units(one, documents[one.name]) for one in case.subject.sources}
        self._followed: dict[Any, dict[Any, int]] = {}

    def label(self, grain: Grain, at: datetime) -> Label:
        """The partition that holds an instant."""
        local = at.astimezone(self.zone)
        if grain is not Grain.HOUR:
            return self.first(grain, local.date()), None
        minutes = int((local.utcoffset() or timedelta()).total_seconds() // 60)
        sign = "-" if minutes < 0 else "+"
        return local.date(), f"{local.hour:02d}{sign}{abs(minutes) // 60:02d}{abs(minutes) % 60:02d}"

    def first(self, grain: Grain, day: date) -> date:
        """The first day of the partition (day or coarser) that holds a day."""
        return date.fromisoformat(first_of(grain, day, self.calendar))

    def last(self, grain: Grain, first: date) -> date:
        """The last day of a partition, by walking; of an hour, its day."""
        day = first
        while grain is not Grain.HOUR and self.first(grain, day + _DAY) == first:
            day += _DAY
        return day

    def midnight(self, day: date) -> datetime:
        """When a day begins."""
        return datetime.combine(day, time(), self.zone).astimezone(timezone.utc)

    def span(self, grain: Grain, label: Label) -> tuple[datetime, datetime]:
        """When a partition begins and ends; hours are walked in steps that every clock change falls on."""
        if grain is not Grain.HOUR:
            return self.midnight(label[0]), self.midnight(self.last(grain, label[0]) + _DAY)
        begin = self.midnight(label[0]) - timedelta(hours=3)
        around = (begin + _HOUR_STEP * at for at in range(4 * 31))
        inside = [at for at in around if self.label(grain, at) == label]
        return inside[0], inside[-1] + _HOUR_STEP

    def labels(self, grain: Grain, days: Iterable[date]) -> list[Label]:
        """The partitions that touch some days and have begun, in time order."""
        found = set()
        for day in days:
            at = self.midnight(day)
            while at < self.midnight(day + _DAY):
                found.add(self.label(grain, at))
                at += _HOUR_STEP if grain is Grain.HOUR else _DAY
        begun = ((self.span(grain, one)[0], one) for one in found)
        return [label for at, label in sorted(begun, key=lambda pair: pair[0]) if at < self.as_of]

    def land(self, teacher: Any, day: date) -> Any:
        """Where a teacher is on a day."""
        for one in self.teachers:
            since, until = one["since"] or "0", one["until"] or "9"
            if one["no"] == teacher and since <= day.isoformat() < until:
                return one["country"]
        return None

    def dimension(self, one: Document, name: str, day: date) -> Any:
        """A dimension of a document's row, as of a day."""
        return self.land(one["teacher"], day) if name == "country" else one[name]

    def has(self, one: Document, key: Key) -> bool:
        """Whether a document is of a key."""
        return all(self.dimension(one, name, key.day) == value for name, value in key.dimensions)

    def of(self, name: str, span: Span, grain: Grain) -> list[Document]:
        """What counts of a source in some time; ``grain``: of whose partitions the newest documents count."""
        source, (start, end) = self.subject.source(name), span
        inside = [
            one for one in self.units[name] if (start is None or start <= one["at"]) and one["at"] < end
        ]
        if source.unique:
            order = sorted(inside, key=lambda one: (one["at"], one["_id"]))
            same = ((self.label(grain, one["at"]), *(one[each] for each in source.unique)) for one in order)
            kept = set(dict(zip(same, (one["_id"] for one in order))).values())
            inside = [one for one in inside if one["_id"] in kept]
        return [one for one in inside if WHERES[source.where](one)]

    def rows(self, grain: Grain, days: Iterable[date]) -> dict[tuple[Any, ...], Document]:
        """The rows of the partitions that touch some days, by label and key."""
        shown = [one for one in self.subject.metrics if one.grains is None or grain in one.grains]
        made: dict[tuple[Any, ...], Document] = {}
        labels = self.labels(grain, days)
        for label in labels:
            span, last = self.span(grain, label), min(self.last(grain, label[0]), self.today)
            keys = {
                tuple(self.dimension(one, name, last) for name in self.names)
                for source in self.subject.sources
                for one in self.of(source.name, span, grain)
            }
            for key in keys if self.names else {()}:
                at = At(span, Key(tuple(zip(self.names, key)), last), grain, label[0])
                made[(*label, *key)] = {one.name: self.value(one, at)[0] for one in shown}
        lengths = {one.fill.period for one in shown if one.fill is not None}
        return made | (self._added(grain, labels, made, shown, lengths) if lengths else {})

    def _added(
        self,
        grain: Grain,
        labels: list[Label],
        real: dict[tuple[Any, ...], Document],
        shown: list[Metric],
        lengths: set[Period],
    ) -> dict[tuple[Any, ...], Document]:
        """Rows for keys that had one of their own shortly before."""
        made = {}
        for label in labels:
            span, last = self.span(grain, label), min(self.last(grain, label[0]), self.today)
            for key in {one[2:] for one in real} - {one[2:] for one in real if one[:2] == label}:
                own = [one[0] for one in real if one[2:] == key and one[0] < label[0]]
                led = {one for one in lengths if own and max(own) >= earlier(label[0], one, self.calendar)}
                if not led:
                    continue
                at = At(span, Key(tuple(zip(self.names, key)), last), grain, label[0])
                row: Document = {"filled": True}
                for metric in shown:
                    value, matched = self.value(metric, at)
                    fill = metric.fill if metric.fill is not None and metric.fill.period in led else None
                    row[metric.name] = value if fill is None or matched else fill.value
                made[(*label, *key)] = row
        return made

    def value(self, metric: Metric | str, at: At) -> Found:
        """A metric, and whether anything matched."""
        one = self.metrics[metric] if isinstance(metric, str) else metric
        inner = replace(at, wheres=(*at.wheres, one.where)) if one.where else at
        value, matched = _HOW.get(one.type, Walk._aggregate)(self, one, inner)
        return (one.empty, False) if one.has_empty and not matched else (value, matched)

    def _cumulative(self, metric: Metric, at: At) -> Found:
        last = at.first if metric.period_agg == "first" else self.last(at.grain, at.first)
        end = max(at.first, min(last, self.today))
        if metric.period_agg not in DAILY or at.grain is Grain.DAY:
            return self._as_of(metric, end, at)
        days = [at.first + timedelta(days=more) for more in range((end - at.first).days + 1)]
        found = [self._as_of(metric, day, at) for day in days]
        values = [one for one, _ in found if one is not None]
        agg = {"min": min, "max": max, "average": lambda some: sum(some) / len(some)}[metric.period_agg or ""]
        return (agg(values) if values else None), any(matched for _, matched in found)

    def _as_of(self, metric: Metric, end: date, at: At) -> Found:
        start = None
        if metric.window is not None:
            start = self.midnight(earlier(end + _DAY, metric.window, self.calendar))
        elif metric.to_date is not None:
            start = self.midnight(self.first(Grain(metric.to_date), end))
        span = (start, self.midnight(end + _DAY))
        return self.value(metric.metric or "", replace(at, span=span, daily=True))

    def _share(self, metric: Metric, at: At) -> Found:
        whole = replace(at.key, dimensions=tuple(one for one in at.key.dimensions if one[0] in metric.of))
        part = self.value(metric.metric or "", at)
        return _quotient(part, self.value(metric.metric or "", replace(at, key=whole)))

    def _ratio(self, metric: Metric, at: At) -> Found:
        return _quotient(self.value(metric.numerator or "", at), self.value(metric.denominator or "", at))

    def _derived(self, metric: Metric, at: At) -> Found:
        inputs = {one.alias: one for one in metric.inputs}
        left, _, right = (metric.expr or "").partition(" - ")
        operands = []
        for name in (left, right):
            given = inputs.get(name)
            inner = (
                at if given is None or given.where is None else replace(at, wheres=(*at.wheres, given.where))
            )
            value, matched = None, False
            if given is None or given.offset is None:
                value, matched = self.value(name if given is None else given.metric, inner)
            else:
                there = offset(at.grain, at.first, given.offset, self.calendar)
                day = min(self.last(at.grain, there), self.today)
                moved = replace(inner, span=self.span(at.grain, (there, None)), first=there)
                value, matched = self.value(given.metric, replace(moved, key=replace(at.key, day=day)))
                if there < self.first(at.grain, date.fromisoformat(self.subject.start)):
                    value = None  # what is not written is not known to be nothing
            operands.append((value, matched))
        (a, one), (b, other) = operands
        return (None if a is None or b is None else a - b), one or other

    def _end(self, metric: Metric, at: At) -> Found:
        """The first or last value, or that of each key of its own; where there is none, the latest before."""
        start, end = at.span
        since = start
        if isinstance(metric.carry, Period):
            since = self.midnight(earlier(at.first, metric.carry, self.calendar))
        some = self.of(
            metric.source or "", (None if metric.carry == "always" else since, end), _newest_of(at)
        )
        accounts: dict[Any, list[Document]] = defaultdict(list)
        for one in sorted(some, key=lambda each: (each["at"], each["_id"])):
            if (
                one[metric.expr or ""] is not None
                and at.passes(one)
                and (metric.per or self.has(one, at.key))
            ):
                accounts[tuple(one[name] for name in metric.per)].append(one)
        found = []
        for each in accounts.values():
            own = [one for one in each if start is None or one["at"] >= start]
            best = own[0] if own and metric.type == "first" else each[-1]
            found += [best[metric.expr or ""]] if self.has(best, at.key) else []
        return (sum(found) if found else None), bool(found)

    def _conversion(self, metric: Metric, at: At) -> Found:
        base = metric.base
        assert base is not None
        known = (metric.name, at.wheres)
        if known not in self._followed:
            self._followed[known] = self._follow(metric, at)
        mine = [one for one in self.of(base.source, at.span, _newest_of(at)) if self.has(one, at.key)]
        found = [self._followed[known].get(one["_id"]) for one in mine]
        told = [one for one in found if one is not None]
        if metric.measured_as == "count":
            return sum(told), sum(told) > 0
        return (sum(one > 0 for one in told) / len(told) if told else None), bool(told)

    def _follow(self, metric: Metric, at: At) -> dict[Any, int]:
        """Of each base event how many conversions it has, by its ``_id``."""
        base, conversion, window = metric.base, metric.conversion, metric.window
        assert base is not None
        assert conversion is not None
        assert window is not None
        begin, later = (
            [
                each
                for each in self.of(one.source, _EVER, Grain.DAY)
                if each["who"] is not None and at.passes(each) and WHERES[one.where](each)
            ]
            for one in (base, conversion)
        )
        counts = {one["_id"]: 0 for one in begin}
        for one in later:
            before = [each for each in begin if each["who"] == one["who"] and each["at"] <= one["at"]]
            latest = max(before, key=lambda each: (each["at"], each["_id"]), default=None)
            if latest is not None and one["at"] < ends(latest["at"], window, self.zone):
                counts[latest["_id"]] += 1
        return counts

    def _retention(self, metric: Metric, at: At) -> Found:
        seen: dict[Any, set[date]] = defaultdict(set)
        again: dict[Any, set[date]] = defaultdict(set)
        for one in self.of(metric.source or "", _EVER, at.grain):
            if one["who"] is not None and self.has(one, at.key):
                first = self.label(at.grain, one["at"])[0]
                seen[one["who"]].add(first)
                if at.passes(one):
                    again[one["who"]].add(first)
        cohort = [who for who, days in seen.items() if min(days) == at.first]
        made: list[float | None] = []
        day = at.first
        for _ in range((metric.periods or 0) + 1):
            share = sum(day in again[who] for who in cohort) / max(1, len(cohort))
            made.append(share if self.midnight(day) < self.as_of else None)
            day = self.last(at.grain, day) + _DAY
        return (made if cohort else None), True

    def _aggregate(self, metric: Metric, at: At) -> Found:
        name = metric.source or ""
        mine = [one for one in self.of(name, at.span, _newest_of(at)) if self.has(one, at.key)]
        if metric.counts == "document":
            mine = list({one["_id"]: one for one in mine}.values())
        elif metric.counts == "element":
            mine = [one for one in mine if one["real"]]
        mine = [one for one in mine if at.passes(one)]
        if metric.expr is None:
            return len(mine), bool(mine)
        values = [one[metric.expr.removeprefix("item.")] for one in mine]
        return _aggregated(metric, [one for one in values if one is not None])


#: How each type of metric is computed that is no plain aggregate.
_HOW: dict[str, Callable[[Walk, Metric, At], Found]] = {
    "cumulative": Walk._cumulative,
    "share": Walk._share,
    "ratio": Walk._ratio,
    "derived": Walk._derived,
    "conversion": Walk._conversion,
    "retention": Walk._retention,
    "first": Walk._end,
    "last": Walk._end,
}


def _newest_of(at: At) -> Grain:
    return Grain.DAY if at.daily else at.grain


def _units(source: Source, documents: Iterable[Document]) -> list[Document]:
    """What a source counts: its documents, or their elements, with plain values by the mistyped rule."""
    made = []
    strict = [one for one in source.fields if one.on_type_error == "quarantine"]
    for one in documents:
        at = times.instant(one["at"], source.time.kind)
        if at is None or any(read(one.get(field.path), field.type)[1] for field in strict):
            continue
        plain: Document = {"_id": one["_id"], "at": at, "k": None, "tag": None, "real": True}
        for name, type_ in (("who", "string"), ("s", "string"), *((each, "integer") for each in _WHOLE)):
            plain[name] = read(one.get(name), type_)[0]
        course = read(one.get(LABEL[source.name]), "string")[0]
        plain["course"] = course.lower() if course is not None and source.name == "orders" else course
        array = one.get("items") if source.unwind is not None else None
        if source.unwind is None:
            made.append(plain)
        elif isinstance(array, list) and array:
            inner = [each if isinstance(each, dict) else {} for each in array]
            values = [
                (read(each.get("k"), "integer")[0], read(each.get("tag"), "string")[0]) for each in inner
            ]
            made += [{**plain, "k": k, "tag": tag} for k, tag in values]
        elif source.unwind.keep_empty:
            made.append({**plain, "real": False})
    return made


_WHOLE = ("n", "teacher", "region")


def _aggregated(metric: Metric, values: list[Any]) -> Found:
    """An aggregate of values that are not null."""
    if metric.type == "count_distinct":
        counted = Counter(values)
        kept = [one for one, n in counted.items() if metric.having is None or n >= 2]
        return len(kept), bool(kept if metric.having else values)
    if metric.type == "top":
        order = sorted(Counter(values).items(), key=lambda pair: (-pair[1], pair[0]))
        return [{"value": value, "n": n} for value, n in order[: metric.k]], bool(values)
    if metric.type in ("count", "sum"):
        return (len(values) if metric.type == "count" else sum(values)), bool(values)
    return (_of_some(metric, sorted(values)) if values else None), bool(values)


def _of_some(metric: Metric, values: list[int]) -> Any:
    """An aggregate of one value or more, in their order."""
    mean = Fraction(sum(values), len(values))
    squares = sum((one - mean) ** 2 for one in values)
    return {
        "min": values[0],
        "max": values[-1],
        "avg": mean,
        "median": (values[(len(values) - 1) // 2] + values[len(values) // 2]) / 2,
        "percentile": values[ceil(Fraction(metric.p or "1") * len(values)) - 1],
        "stddev": sqrt(squares / (len(values) - 1)) if len(values) > 1 else None,
    }[metric.type]


def _quotient(top: Found, bottom: Found) -> Found:
    lacking = top[0] is None or bottom[0] is None or bottom[0] == 0
    return (None if lacking else top[0] / bottom[0]), top[1] or bottom[1]

"""From a resolved subject to its unoptimised plan: one scan a leaf, every filter where the spec put it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from dashpipe import expr
from dashpipe.compile import canonical, journeys, keys
from dashpipe.compile.errors import CompileError
from dashpipe.compile.frame import PLAIN, Frame, ahead, by_day, carried, cumulated, moved
from dashpipe.compile.leaves import kind_of
from dashpipe.compile.plan import (
    DOCUMENT,
    Aggregate,
    Carried,
    Column,
    Daily,
    Finaliser,
    Formula,
    Having,
    Leaf,
    Mean,
    OfDays,
    Options,
    Plan,
    Ratio,
    Same,
    SourcePlan,
    Spread,
    Value,
)
from dashpipe.compile.sources import Reading, read
from dashpipe.expr import FieldType, Scope
from dashpipe.expr.types import NUMERIC
from dashpipe.spec.model import AGGREGATES, COHORTS, COMPOSITES, JOURNEYS, Grain, Metric, Period, Subject
from dashpipe.spec.typing import filters, method_of, parse, parts_of

_DECIMAL = FieldType.DECIMAL

#: What is made of the values of a partition's days, by the spec's word.
DAILY = {"average": "avg", "min": "min", "max": "max"}

#: How a column is finished, its type, and the leaves that tell whether anything matched.
_Finished = tuple[Finaliser, FieldType, tuple[tuple[str, str], ...]]


class _Builder:
    """Collects columns and leaves of one subject while its metrics are walked; lives for one ``build``."""

    def __init__(self, subject: Subject) -> None:
        self.subject = subject
        self.metrics = {one.name: one for one in subject.metrics}
        self.readings: dict[str, Reading] = {}
        self.columns: dict[str, Column] = {}
        self.leaves: dict[str, dict[str, Leaf]] = {one.name: {} for one in subject.sources}
        self.order: list[Aggregate] = []
        self.needed: dict[str, dict[Grain, set[str]]] = {
            one.name: {grain: set() for grain in subject.grains} for one in subject.sources
        }
        self.presence: dict[str, Leaf] = {}
        self.told = _told(self.metrics)

    def grains(self, metric: Metric) -> tuple[Grain, ...]:
        wanted = metric.grains or self.subject.grains
        return tuple(grain for grain in self.subject.grains if grain in wanted)

    def leaf(
        self,
        metric: Metric,
        kind: str,
        wheres: tuple[str, ...],
        grains: tuple[Grain, ...],
        frame: Frame,
        having: Having | None = None,
    ) -> Leaf:
        """A leaf, and those whose states it is made of."""
        source = metric.source or ""
        own = wheres if metric.where is None else (*wheres, metric.where)
        made = self.readings[source].leaf(kind, metric, own, having, frame)
        if frame.of is not None and made.unit == DOCUMENT and self.readings[source].by_element:
            raise CompileError(self.subject.id, f"documents of {source} lie in several rows: {metric.name}")
        if made.merges and frame.of is not None:
            base = self.leaf(metric, kind, wheres, grains, replace(frame, of=None))
            made = replace(made, base=base.id)
        elif made.merges and frame.reaches:
            # Of the finest grain too: by its states a run sees what has changed, and what reads that.
            atoms = {frame.atom(grain) for grain in grains}
            atoms.add(next(grain for grain in Grain if grain in self.subject.grains))
            stored = tuple(grain for grain in self.subject.grains if grain in atoms)
            made = replace(made, base=self.leaf(metric, kind, wheres, stored, PLAIN).id)
        return self.add(source, made, grains)

    def add(self, source: str, leaf: Leaf, grains: Iterable[Grain]) -> Leaf:
        reading = self.readings[source]
        filters = tuple(one for one in (reading.where, leaf.where) if one is not None)
        self.order.append(Aggregate(source, (leaf,), filters))
        return self.keep(source, leaf, grains)

    def keep(self, source: str, leaf: Leaf, grains: Iterable[Grain]) -> Leaf:
        self.leaves[source].setdefault(leaf.id, leaf)
        for grain in grains:
            self.needed[source][grain].add(leaf.id)
        return leaf

    def column(
        self,
        name: str,
        wheres: tuple[str, ...],
        grains: tuple[Grain, ...],
        trail: tuple[str, ...],
        frame: Frame = PLAIN,
    ) -> Column:
        """A metric's column under further filters and in a frame, built once, after those that it reads."""
        if name in trail:
            raise CompileError(self.subject.id, f"metrics refer to each other: {' -> '.join((*trail, name))}")
        metric = self.metrics.get(name)
        if metric is None:
            raise CompileError(self.subject.id, f"there is no metric {name}")
        label = name if not wheres else f"{name} where {' and '.join(wheres)}"
        label += "" if frame.plain else f" {frame}"
        built = self.columns.get(label)
        if built is not None and set(grains) <= set(built.grains):
            return built
        if built is not None:
            grains = tuple(one for one in self.subject.grains if one in grains or one in built.grains)
        if metric.type in JOURNEYS:
            finaliser, type_, matched = self.journey(metric, wheres, grains, frame)
        elif metric.type in COHORTS:
            finaliser, type_, matched = self.retention(metric, wheres, grains, frame)
        elif metric.type in AGGREGATES:
            finaliser, type_, matched = self.aggregate(metric, wheres, grains, (*trail, name), frame)
        else:
            finaliser, type_, matched = self.composite(metric, wheres, grains, (*trail, name), frame)
        column = Column(
            name=label,
            finaliser=finaliser,
            type=type_,
            matched=matched,
            empty=metric.empty,
            has_empty=metric.has_empty,
            grains=grains,
            shown=() if metric.hidden or wheres or not frame.plain else self.grains(metric),
            frame=frame,
            fill=metric.fill,
        )
        self.columns[label] = column
        return column

    def aggregate(
        self,
        metric: Metric,
        wheres: tuple[str, ...],
        grains: tuple[Grain, ...],
        trail: tuple[str, ...],
        frame: Frame,
    ) -> _Finished:
        if metric.type == "avg":
            total = self.leaf(metric, "sum", wheres, grains, frame)
            count = self.leaf(metric, "count", wheres, grains, frame)
            type_ = _DECIMAL if total.type is _DECIMAL else FieldType.NUMBER
            return Mean(total.id, count.id), type_, ((count.id, "count"),)
        kind = _kind(metric)
        if metric.carry is not None:
            return self.carried(metric, metric.carry, kind, wheres, grains, frame)
        having = None if metric.having is None else self.having(metric, trail)
        leaf = self.leaf(metric, kind, wheres, grains, frame, having)
        matched = (leaf.id, kind)
        if kind == "moments":
            spread = Spread(leaf.id, metric.population, root=metric.type == "stddev")
            return spread, leaf.type, (matched,)
        if metric.type == "sum" and metric.name in self.told:
            matched = (self.leaf(metric, "count", wheres, grains, frame).id, "count")
        return Value(leaf.id), leaf.type, (matched,)

    def carried(
        self,
        metric: Metric,
        carry: Period | str,
        kind: str,
        wheres: tuple[str, ...],
        grains: tuple[Grain, ...],
        frame: Frame,
    ) -> _Finished:
        """A first or last value, else the last of the time before; for balances, each key by itself."""
        if frame.runs:
            raise CompileError(self.subject.id, f"{metric.name} is carried, within a cumulative metric")
        if metric.per:
            leaf = self.leaf(metric, kind, wheres, grains, carried(frame, carry, own=True))
            return Value(leaf.id), leaf.type, ((leaf.id, kind),)
        own = self.leaf(metric, kind, wheres, grains, frame)
        before = self.leaf(metric, "last", wheres, grains, carried(frame, carry, own=False))
        return Carried(own.id, before.id), own.type, ((own.id, kind), (before.id, "last"))

    def journey(
        self, metric: Metric, wheres: tuple[str, ...], grains: tuple[Grain, ...], frame: Frame
    ) -> _Finished:
        """Conversions of base events: how many, or the share of base events that have one."""
        if not frame.plain:
            raise CompileError(self.subject.id, f"{metric.name} follows events: it is of its own rows only")
        followed = journeys.followed(metric, wheres, self.readings)
        source = followed.base.source
        if metric.measured_as == "count":
            made = self.keep(source, journeys.counting("conversions", followed), grains)
            return Value(made.id), FieldType.INTEGER, ((made.id, "conversions"),)
        converted = self.keep(source, journeys.counting("converted", followed), grains)
        every = self.add(source, followed.base, grains)
        return Mean(converted.id, every.id), FieldType.NUMBER, ((every.id, "count"),)

    def retention(
        self, metric: Metric, wheres: tuple[str, ...], grains: tuple[Grain, ...], frame: Frame
    ) -> _Finished:
        """The shares of the entities that are new in a partition which are seen in those after it."""
        source = metric.source or ""
        if not frame.plain:
            raise CompileError(self.subject.id, f"{metric.name} follows entities: it is of its own rows only")
        if self.readings[source].source.unwind is not None:
            raise CompileError(metric.name, f"a document of {source} is taken apart: it is no one event")
        if any(grain is not metric.period for grain in grains):
            raise CompileError(self.subject.id, f"{metric.name} is of its period alone")
        own = wheres if metric.where is None else (*wheres, metric.where)
        made = self.readings[source].leaf("retention", metric, own, frame=ahead(metric.periods or 0))
        self.keep(source, made, grains)
        return Value(made.id), FieldType.ARRAY, ((made.id, "retention"),)

    def having(self, metric: Metric, trail: tuple[str, ...]) -> Having:
        """The condition of a distinct count, with all that the metrics in it are made of.

        The documents are those that pass the count's own filters already: the metrics add only theirs.
        """
        inner = _Builder(self.subject)
        inner.readings = self.readings
        parsed = parse(metric.having or "")
        inputs = {one.alias: one.metric for one in metric.inputs}
        found = {
            ref.name: inner.column(inputs.get(ref.name, ref.name), (), self.subject.grains[:1], trail)
            for ref in expr.names(parsed)
        }
        leaves = tuple(leaf for one in inner.leaves.values() for leaf in one.values())
        if any(
            leaf.source != metric.source or kind_of(leaf).level or not leaf.frame.plain for leaf in leaves
        ):
            raise CompileError(
                self.subject.id, f"`having` of {metric.name} is not of metrics of one pass over its source"
            )
        types = {name: one.type for name, one in found.items()}
        scope = Scope(fields={}, dimensions={}, metrics=types, timezone=self.subject.timezone)
        typed = expr.check(parsed, scope, FieldType.BOOLEAN)
        refs = tuple((name, one.name) for name, one in found.items())
        return Having(typed, refs, tuple(inner.columns.values()), leaves)

    def daily(
        self,
        metric: Metric,
        wheres: tuple[str, ...],
        grains: tuple[Grain, ...],
        trail: tuple[str, ...],
        frame: Frame,
    ) -> _Finished:
        """What is made of the values of a partition's days; up to grain day, the one value there is."""
        how, name = DAILY[metric.period_agg or ""], metric.metric or ""
        short = tuple(one for one in grains if one in (Grain.HOUR, Grain.DAY))
        long = tuple(one for one in grains if one not in short)
        own = self.column(name, wheres, short, trail, frame) if short else None
        # The columns of days are finished apart, and no columns of the row.
        columns, self.columns = self.columns, {}
        each = self.column(name, wheres, long, trail, by_day(frame)) if long else own
        made, self.columns = tuple(self.columns.values()), columns
        assert each is not None
        if each.type not in NUMERIC or any(one.frame.of is not None for one in (each, *made)):
            text = f"{metric.name} is made of the values of days: of numbers that are no shares"
            raise CompileError(self.subject.id, text)
        type_ = each.type if how != "avg" or each.type is _DECIMAL else FieldType.NUMBER
        matched = () if own is None else own.matched
        if not long:
            return OfDays(None, each.name), type_, matched
        first = next(
            one for leaves in self.leaves.values() for one in leaves.values() if one.id == each.matched[0][0]
        )
        meaning = [how, frame.meaning, repr([(one.name, one.finaliser, one.empty) for one in made])]
        leaf = replace(
            first,
            id=f"daily_{canonical.digest(meaning)}",
            kind="daily",
            expr=None,
            where=None,
            type=type_,
            label=f"{how} of {each.name}",
            options=Options(daily=Daily(how, each.name, made)),
            frame=by_day(frame),
            base=None,
        )
        self.keep(first.source, leaf, long)
        finaliser = OfDays(leaf.id, None if own is None else own.name)
        return finaliser, type_, ((leaf.id, "daily"), *matched)

    def composite(
        self,
        metric: Metric,
        wheres: tuple[str, ...],
        grains: tuple[Grain, ...],
        trail: tuple[str, ...],
        frame: Frame,
    ) -> _Finished:
        inner = wheres if metric.where is None else (*wheres, metric.where)
        if metric.type == "cumulative":
            if frame.runs:
                raise CompileError(self.subject.id, f"{metric.name} is cumulative within a cumulative metric")
            reach = cumulated(frame, metric)
            if metric.period_agg in DAILY:
                return self.daily(metric, inner, grains, trail, reach)
            one = self.column(metric.metric or "", inner, grains, trail, reach)
            return Same(one.name), one.type, one.matched
        if metric.type in ("ratio", "share"):
            names = (metric.numerator, metric.denominator)
            frames = (frame, frame)
            if metric.type == "share":
                if frame.of is not None:
                    raise CompileError(self.subject.id, f"{metric.name} is a share of a share")
                names, frames = (metric.metric, metric.metric), (frame, replace(frame, of=metric.of))
            sides = [self.column(name or "", inner, grains, trail, each) for name, each in zip(names, frames)]
            type_ = _DECIMAL if all(one.type is _DECIMAL for one in sides) else FieldType.NUMBER
            matched = tuple(dict.fromkeys((*sides[0].matched, *sides[1].matched)))
            return Ratio(sides[0].name, sides[1].name, metric.on_zero), type_, matched
        parsed = parse(metric.expr or "")
        inputs = {one.alias: one for one in metric.inputs}
        refs: dict[str, Column] = {}
        for ref in expr.names(parsed):
            given = inputs.get(ref.name)
            more = inner if given is None or given.where is None else (*inner, given.where)
            within = frame
            if given is not None and given.offset is not None:
                if frame.runs:
                    raise CompileError(self.subject.id, f"{metric.name} has an offset in a cumulative metric")
                within = moved(frame, given.offset)
            called = ref.name if given is None else given.metric
            refs[ref.name] = self.column(called, more, grains, trail, within)
        scope = Scope(
            fields={},
            dimensions={},
            metrics={name: one.type for name, one in refs.items()},
            timezone=self.subject.timezone,
        )
        typed = expr.check(parsed, scope, None)
        type_ = _DECIMAL if refs and all(one.type is _DECIMAL for one in refs.values()) else FieldType.NUMBER
        matched = tuple(dict.fromkeys(pair for one in refs.values() for pair in one.matched))
        return Formula(typed, tuple((name, one.name) for name, one in refs.items())), type_, matched


def _kind(metric: Metric) -> str:
    """The kind of leaf that an aggregate is made of."""
    if metric.type == "count_distinct":
        if metric.having is not None:
            return "having"
        return "distinct" if metric.cardinality_at_most is None else "set"
    if metric.type in ("median", "percentile"):
        return method_of(metric)
    if metric.per:
        return f"{metric.type}s"
    return "moments" if metric.type in ("stddev", "variance") else metric.type


def _told(metrics: dict[str, Metric]) -> set[str]:
    """The metrics of which a row must tell whether anything matched: those with ``empty``, and their parts.

    In a row that is added, also those with ``fill`` that may match something beside the row's own partition.

    A sum does not tell it by itself (it is 0 of nothing and of 1 and -1), so it is counted besides.
    """
    found: set[str] = set()
    waiting = [
        one.name
        for one in metrics.values()
        if one.has_empty or (one.fill is not None and one.type in COMPOSITES)
    ]
    while waiting:
        name = waiting.pop()
        if name not in found and name in metrics:
            found.add(name)
            if metrics[name].type in COMPOSITES:
                waiting += [part for part, _ in parts_of(metrics[name])]
    return found


def build(subject: Subject) -> Plan:
    """The unoptimised plan of a subject.

    Raises:
        CompileError: The spec does not hold together.
        expr.ExpressionErrors: An expression is wrong.
    """
    builder = _Builder(subject)
    added = filters(subject)
    for source in subject.sources:
        own = tuple(one for one in subject.metrics if one.source == source.name)
        builder.readings[source.name] = read(subject, source, own, added.get(source.name, ()))
    for source in subject.sources:
        presence = builder.readings[source.name].leaf("count")
        builder.presence[source.name] = builder.add(source.name, presence, subject.grains)
    for metric in subject.metrics:
        builder.column(metric.name, (), builder.grains(metric), ())
    sources = tuple(_source(builder, one.name) for one in subject.sources)
    keys.agree(subject, sources)
    keys.mergeable(subject, sources)
    return Plan(subject, sources, tuple(builder.columns.values()), keys.lookups(subject))


def _source(builder: _Builder, name: str) -> SourcePlan:
    reading = builder.readings[name]
    needed = builder.needed[name]
    return SourcePlan(
        name=name,
        source=reading.source,
        identity=reading.identity,
        key=reading.key,
        types=reading.types,
        unique=reading.unique,
        where=reading.where,
        presence=builder.presence[name],
        leaves=tuple(builder.leaves[name].values()),
        aggregates=tuple(one for one in builder.order if one.source == name),
        by_grain=tuple((grain, tuple(sorted(ids))) for grain, ids in needed.items()),
    )

"""What a query is gathered from: names, documents, spans, aggregates, each made where it is first needed."""

from __future__ import annotations

from dataclasses import replace

from dashpipe.compile.covers import source_label
from dashpipe.compile.emit.fill import since
from dashpipe.compile.frame import PLAIN, Frame
from dashpipe.compile.keys import of_rows
from dashpipe.compile.periods import day_of, first_day, last_day, next_day
from dashpipe.compile.plan import Leaf, Plan, SourcePlan
from dashpipe.compile.sql import cohorts, daily, documents, followed, looked, spans, totals
from dashpipe.compile.sql.expression import Unsayable
from dashpipe.compile.sql.names import Names, quoted
from dashpipe.compile.sql.tables import Table
from dashpipe.spec.model import Grain, Period

#: Names that every query has.
_GIVEN = (
    *("partition_date", "partition_hour", "filled", "partitions", "keys", "own_keys", "added_keys"),
    *("fills", "joined", "metrics", "value", "n", "hit", spans.OF_DAY),
)


class Gathered:
    """The parts of one grain's query in their order, and what it could not say; lives while one is made."""

    def __init__(self, plan: Plan, grain: Grain, labels: tuple[str, ...], tables: tuple[Table, ...]) -> None:
        self.plan, self.grain, self.labels = plan, grain, labels
        self.calendar = plan.subject.calendar
        self.label = spans.label_columns(grain)
        self.tables = {one.of: one for one in tables}
        self.key = tuple(one.name for one in of_rows(plan).sources[0].key)
        taken = [*(one.name for one in tables), *(one.name for one in plan.subject.dimensions)]
        self.names = Names([*taken, *(one.name for one in plan.columns), *_GIVEN])
        self.leaves = {leaf.id: leaf for one in plan.sources for leaf in one.leaves_at(grain)}
        self.parts: list[str] = []
        self.unsaid: dict[str, None] = {}
        self.totals: list[totals.Total] = []
        self.daily: list[totals.Total] = []
        self.partitions = spans.own(grain, self._read(), self.calendar)
        self._documents: dict[tuple[object, ...], str] = {}
        self._spans: dict[Frame, spans.Spans] = {}
        self._columns: dict[tuple[str, str], str] = {}
        self._days: dict[str, list[str]] = {}
        self._last_days: dict[tuple[Period, ...], str] = {}
        grouping = [one for one in plan.lookups if one.grouped]
        self._grouping = {one.name: (one, self.names.new(f"{one.name}_found")) for one in grouping}

    def _read(self) -> tuple[str, ...]:
        """The partitions that are read: those asked for, and those before them whose keys lead to rows."""
        periods = self.plan.fills(self.grain)
        if not periods:
            return self.labels
        begin = min(min(since(periods, one, self.calendar)) for one in self.labels)
        start = first_day(self.grain, day_of(self.plan.subject.start), self.calendar)
        first = first_day(self.grain, day_of(begin), self.calendar)
        if first < day_of(begin):
            first = next_day(self.grain, first, self.calendar)
        day, found = max(first, start), []
        while day.isoformat() <= max(self.labels):
            found.append(day.isoformat())
            day = next_day(self.grain, day, self.calendar)
        return tuple(sorted({*found, *self.labels}))

    def reader(self, source: SourcePlan) -> documents.Reader:
        """How a source is read."""
        taken, unwind = {*self.key, *(one.name for one in source.key)}, source.source.unwind
        element = "" if unwind is None else unwind.alias
        return documents.Reader(
            source=source,
            table=self.tables[source.name].name,
            tz=self.calendar.timezone,
            row="doc" if "doc" not in taken | {element} else "_doc",
            element=f"_{element}" if element in taken else quoted(element) if element else "",
        )

    def documents(self, source: SourcePlan, unit: str, frame: Frame = PLAIN, *, ever: bool = False) -> str:
        """The name of a source's documents: of the partitions, or of all time with their day (``ever``)."""
        ever = ever or frame.reaches
        hours = (frame.atom(self.grain) if frame.reaches else self.grain) is Grain.HOUR
        if ever and not frame.reaches and source.unique and self.grain not in (Grain.HOUR, Grain.DAY):
            raise Unsayable(f"the newest documents of each {self.grain.value} of all time")
        place = (source.name, unit, ever, ever and hours and bool(source.unique))
        if place not in self._documents:
            what = "elements" if unit == "element" else "documents"
            name = self.names.new(f"{'all_' if ever else ''}{what}_of_{source.name}")
            self._documents[place] = name
            given = None if ever else self.partitions
            self.parts += documents.ctes(self.reader(source), name, unit, given, hours=hours)
        return self._documents[place]

    def span(self, frame: Frame) -> spans.Spans | None:
        """The table of what a frame makes each partition take; ``None``: just the partition."""
        if not frame.reaches:
            return None
        frame = replace(frame, of=None)
        if frame not in self._spans:
            name = self.names.new(f"span {frame}")
            made = spans.framed(name, frame, self.grain, self.labels, self.calendar)
            self._spans[frame] = made
            self.parts.append(made.statement)
        return self._spans[frame]

    def total(self, leaf: Leaf) -> totals.Total:
        """The aggregate query that a leaf is of."""
        options = leaf.options
        own = leaf.kind in totals.ALONE or options.journey is not None or options.periods or options.daily
        alone = leaf.id if own else ""
        known = self.daily if leaf.frame.daily and options.daily is None else self.totals
        for one in known:
            if (one.source, one.frame, one.unit, one.alone) == (leaf.source, leaf.frame, leaf.unit, alone):
                return one
        source = self.plan.source(leaf.source)
        what = leaf.kind if alone else "elements" if leaf.unit == "element" else "totals"
        name = self.names.new(f"{what} of {leaf.source}{'' if leaf.frame.plain else f' {leaf.frame}'}")
        of = leaf.frame.of
        keys = tuple(one for one in self.key if of is None or one in of)
        found = tuple(self._looked(leaf.frame, one) for one in keys if one in self._grouping)
        made = totals.Total(name, leaf.source, leaf.frame, leaf.unit, alone, keys, self.reader(source), found)
        known.append(made)
        return made

    def _looked(self, frame: Frame, name: str) -> looked.Looked:
        """How a dimension of what a frame covers is found."""
        lookup, alias = self._grouping[name]
        days = "" if lookup.lookup.valid is None else self.last_days(frame)
        return looked.Looked(lookup, self.tables[name].name, alias, days)

    def last_days(self, frame: Frame = PLAIN) -> str:
        """The table of the last day of each partition, or of the one that a frame's offsets lead to."""
        if frame.shifts not in self._last_days:
            if frame.shifts and self.grain is Grain.HOUR:
                raise Unsayable("what was found an hour before")
            days = {}
            for label in self._read():
                at = source_label(frame, self.grain, label, self.calendar)
                if at is not None:
                    days[label[:10]] = last_day(self.grain, at, self.calendar)
            name = self.names.new(" ".join([looked.LAST_DAYS, *(str(one) for one in frame.shifts)]))
            self._last_days[frame.shifts] = name
            self.parts.append(looked.last_days(name, days))
        return self._last_days[frame.shifts]

    def of_leaf(self, leaf: Leaf, form: str, wanted: str) -> str:
        """The joined column of a leaf, of moments in a form; NULL where SQL does not say it."""
        if (leaf.id, form) not in self._columns:
            name = self.names.new(f"{form or leaf.kind}_{wanted}")
            try:
                self.total(leaf).add(leaf, form, name)
            except Unsayable as unsaid:
                self.unsaid[f"{leaf.label}: {unsaid}"] = None
                name = "NULL"
            self._columns[leaf.id, form] = name
        return self._columns[leaf.id, form]

    def of_days(self) -> None:
        """Add what is made of the values of days, after the keys that have these."""
        for one in self.totals:
            leaf = self.leaves[one.alone] if one.alone else None
            if leaf is not None and leaf.options.daily is not None:
                self.parts += self._days[leaf.id]

    def _of_days(self, one: totals.Total, leaf: Leaf) -> None:
        """Gather what a day's value needs: the aggregates of its leaves."""
        name = self.names.new(f"days of {leaf.frame}")
        table, columns = spans.each_day(name, leaf.frame, self.grain, self.labels, self.calendar)
        value = daily.value(leaf, self.leaves, lambda each, form: self.of_leaf(each, form, one.name))
        read = [each for each in self.daily if each.frame.shifts == leaf.frame.shifts]
        self._days[leaf.id] = [table, *daily.made(one, leaf, value, (name, columns), read)]

    def aggregated(self) -> None:
        """Add the aggregate queries, each after the documents that it reads."""
        for one in list(self.totals):
            if one.alone and self.leaves[one.alone].options.daily is not None:
                self._of_days(one, self.leaves[one.alone])
        for one in [*self.totals, *self.daily]:
            if one.alone and self.leaves[one.alone].options.daily is not None:
                continue  # after the keys, whose days it is of
            before = len(self.parts)
            try:
                self.parts += self._total(one)
            except Unsayable as unsaid:
                del self.parts[before:]
                self.unsaid[f"{self.leaves[one.alone].label}: {unsaid}"] = None
                shown = [*self.partitions_columns(one), *(f"NULL AS {name}" for name, _ in one.columns)]
                self.parts.append(f"{one.name} AS (SELECT {', '.join(shown)} WHERE FALSE)")

    def partitions_columns(self, one: totals.Total) -> list[str]:
        """The columns of an aggregate query's groups, without a value."""
        return [f"NULL AS {quoted(name)}" for name in (*self._label(one), *one.keys)]

    def _label(self, one: totals.Total) -> tuple[str, ...]:
        """The columns that name what a query's groups are of: a partition, or a day of one."""
        return spans.label_columns(self.grain, daily=one.frame.daily)

    def _total(self, one: totals.Total) -> list[str]:
        source = self.plan.source(one.source)
        journey = self.leaves[one.alone].options.journey if one.alone else None
        if journey is not None:
            other = self.plan.source(journey.conversion.source)
            read = tuple(self.documents(each, "", one.frame, ever=True) for each in (source, other))
            readers = (one.reader, self.reader(other))
            taken = self.span(one.frame) or self.partitions
            return followed.follow(one, self.leaves[one.alone], self._label(one), read, readers, taken)
        if one.frame.ahead is not None:
            name = self.documents(source, one.unit, ever=True)
            return [cohorts.retained(one, self.leaves[one.alone], self.grain, self.calendar, name)]
        name, span = self.documents(source, one.unit, one.frame), self.span(one.frame)
        if not one.alone:
            return [totals.total(one, self._label(one), name, span)]
        leaf = self.leaves[one.alone]
        return [totals.ALONE[leaf.kind](one, leaf, self._label(one), name, span)]

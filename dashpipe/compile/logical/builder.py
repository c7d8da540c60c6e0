"""What columns and leaves are collected in, while the metrics of a subject are walked."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import TypeAlias

from dashpipe.compile.errors import CompileError
from dashpipe.compile.frame import PLAIN, Frame
from dashpipe.compile.kept import fits
from dashpipe.compile.logical.matching import told
from dashpipe.compile.plan import DOCUMENT, Aggregate, Column, Finaliser, Having, Leaf
from dashpipe.compile.sources import Reading
from dashpipe.expr import FieldType
from dashpipe.spec.model import Grain, Metric, Subject

#: How a column is finished, its type, and the leaves that tell whether anything matched.
Finished: TypeAlias = tuple[Finaliser, FieldType, tuple[tuple[str, str], ...]]


@dataclass(frozen=True, slots=True)
class Need:
    """How a metric is wanted.

    Attributes:
        grains: At which grains.
        wheres: The filters of the metrics that it is a part of.
        frame: Which documents it is of, beside filters.
        trail: The metrics that it is a part of, from the outermost on, and itself.
    """

    grains: tuple[Grain, ...]
    wheres: tuple[str, ...] = ()
    frame: Frame = PLAIN
    trail: tuple[str, ...] = ()

    def filters(self, metric: Metric) -> tuple[str, ...]:
        """The filters, with the metric's own."""
        return self.wheres if metric.where is None else (*self.wheres, metric.where)

    def within(self, frame: Frame) -> Need:
        """The same, of other documents."""
        return replace(self, frame=frame)


#: Makes of a metric what its column is finished by.
Finish: TypeAlias = "Callable[[Builder, Metric, Need], Finished]"


class Builder:
    """Collects columns and leaves of one subject while its metrics are walked; lives for one ``build``."""

    def __init__(self, subject: Subject, finish: Finish) -> None:
        self.subject = subject
        self.finish = finish
        self.metrics = {one.name: one for one in subject.metrics}
        self.readings: dict[str, Reading] = {}
        self.columns: dict[str, Column] = {}
        self.leaves: dict[str, dict[str, Leaf]] = {one.name: {} for one in subject.sources}
        self.order: list[Aggregate] = []
        self.needed: dict[str, dict[Grain, set[str]]] = {
            one.name: {grain: set() for grain in subject.grains} for one in subject.sources
        }
        self.presence: dict[str, Leaf] = {}
        self.told = told(self.metrics)

    def grains(self, metric: Metric) -> tuple[Grain, ...]:
        """The grains at which a metric is written."""
        wanted = metric.grains or self.subject.grains
        return tuple(grain for grain in self.subject.grains if grain in wanted)

    def leaf(self, metric: Metric, kind: str, need: Need, having: Having | None = None) -> Leaf:
        """A leaf, and those whose states it is made of."""
        reading, filters = self.readings[metric.source or ""], need.filters(metric)
        return self.made(lambda frame: reading.leaf(kind, metric, filters, having, frame), need)

    def made(self, make: Callable[[Frame], Leaf], need: Need) -> Leaf:
        """The leaf that is made of a frame, and those whose states it is made of, of other frames."""
        frame = need.frame
        leaf = make(frame)
        if frame.of is not None and leaf.unit == DOCUMENT and self.readings[leaf.source].by_element:
            text = f"documents of {leaf.source} lie in several rows: {leaf.label}"
            raise CompileError(self.subject.id, text)
        if leaf.merges and frame.of is not None:
            base = self.made(make, need.within(replace(frame, of=None)))
            leaf = replace(leaf, base=base.id)
        elif leaf.merges and frame.reaches:
            # Of the finest grain too: by its states a run sees what has changed, and what reads that.
            atoms = {frame.atom(grain) for grain in need.grains}
            atoms.add(next(grain for grain in Grain if grain in self.subject.grains))
            stored = tuple(grain for grain in self.subject.grains if grain in atoms)
            leaf = replace(leaf, base=self.made(make, replace(need, grains=stored, frame=PLAIN)).id)
        elif not (frame.plain or self.subject.hidden_keys) and fits(self.readings[leaf.source].source, leaf):
            # No grain needs it, unless a pass finds that its values serve.
            leaf = replace(leaf, base=self.made(make, Need(())).id)
        if leaf.options.journey is not None:
            return self.keep(leaf.source, leaf, need.grains)  # of events of two sources: no scan gives it
        return self.add(leaf.source, leaf, need.grains)

    def add(self, source: str, leaf: Leaf, grains: Iterable[Grain]) -> Leaf:
        """Keep a leaf that is computed from documents, by a scan of its own until scans are fused."""
        reading = self.readings[source]
        filters = tuple(one for one in (reading.where, leaf.where) if one is not None)
        self.order.append(Aggregate(source, (leaf,), filters))
        return self.keep(source, leaf, grains)

    def keep(self, source: str, leaf: Leaf, grains: Iterable[Grain]) -> Leaf:
        """Keep a leaf, which a row of these grains needs."""
        self.leaves[source].setdefault(leaf.id, leaf)
        for grain in grains:
            self.needed[source][grain].add(leaf.id)
        return leaf

    def column(self, name: str, need: Need) -> Column:
        """A metric's column under further filters and in a frame, built once, after those that it reads.

        Args:
            name: The metric.
            need: How it is wanted; its trail does not name the metric yet.
        """
        if name in need.trail:
            told = " -> ".join((*need.trail, name))
            raise CompileError(self.subject.id, f"metrics refer to each other: {told}")
        metric = self.metrics.get(name)
        if metric is None:
            raise CompileError(self.subject.id, f"there is no metric {name}")
        label = name if not need.wheres else f"{name} where {' and '.join(need.wheres)}"
        label += "" if need.frame.plain else f" {need.frame}"
        built, grains = self.columns.get(label), need.grains
        if built is not None and set(grains) <= set(built.grains):
            return built
        if built is not None:
            grains = tuple(one for one in self.subject.grains if one in grains or one in built.grains)
        wanted = replace(need, grains=grains, trail=(*need.trail, name))
        finaliser, type_, matched = self.finish(self, metric, wanted)
        column = Column(
            name=label,
            finaliser=finaliser,
            type=type_,
            matched=matched,
            empty=metric.empty,
            has_empty=metric.has_empty,
            grains=grains,
            shown=() if metric.hidden or need.wheres or not need.frame.plain else self.grains(metric),
            frame=need.frame,
            fill=metric.fill,
        )
        self.columns[label] = column
        return column

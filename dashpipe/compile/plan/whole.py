"""The plan of a subject, and what passes found out for it."""

from __future__ import annotations

from dataclasses import dataclass

from dashpipe.compile.plan.column import Column
from dashpipe.compile.plan.leaf import Leaf
from dashpipe.compile.plan.source import SourcePlan
from dashpipe.spec.model import Grain, Lookup, Period, Subject


@dataclass(frozen=True, slots=True)
class LookupPlan:
    """A dimension that is looked up by one of the key, or (``chained``) by one that is looked up itself.

    Where it is ``grouped`` it goes by a hidden one, and rows are merged by what it finds: it is of their key.
    """

    name: str
    key: str
    lookup: Lookup
    connection: str
    chained: bool
    grouped: bool = False


@dataclass(frozen=True, slots=True)
class RollUp:
    """A grain's rows of one source can be merged from the states of a finer grain's rows."""

    source: str
    grain: Grain
    finer: tuple[Grain, ...]


@dataclass(frozen=True, slots=True)
class Kept:
    """The values that leaves of a source count are kept, by key and partition of the finest grain."""

    source: str
    leaves: tuple[Leaf, ...]


@dataclass(frozen=True, slots=True)
class Merged:
    """What the leaves of a source and grain reach back to can be merged from the states of ``atom``.

    ``counted`` are those of them that are counted from the kept values of the finest grain. Where these are
    all, nothing is merged from states.
    """

    source: str
    grain: Grain
    atom: Grain
    counted: tuple[Leaf, ...] = ()


@dataclass(frozen=True, slots=True)
class Running:
    """Of a source, the leaves whose states of all days (or hours) up to one day are kept merged, a key.

    ``by`` is the grain of whose partitions it is known whether they changed since. With ``apart`` the leaves
    do not merge: what is kept is of documents, each key's last value (of one leaf), or the first day of each
    entity (of all leaves that follow these).
    """

    source: str
    atom: Grain
    leaves: tuple[Leaf, ...]
    by: Grain
    apart: bool = False

    @property
    def kept(self) -> tuple[str, ...]:
        """The ids of what is kept."""
        ids = (leaf.base or leaf.id if self.apart else leaf.id for leaf in self.leaves)
        return tuple(dict.fromkeys(ids))

    @property
    def name(self) -> str:
        """What tells it from the others of a plan by the same ``atom``."""
        return f"{self.source}|{self.kept[0]}" if self.apart else self.source


@dataclass(frozen=True, slots=True)
class Note:
    """What a pass did or why it did nothing, in words, for ``show``."""

    step: str
    applied: bool
    text: str


@dataclass(frozen=True, slots=True)
class Plan:
    """The plan of a subject. Of ``columns`` and of ``lookups`` each reads only earlier ones."""

    subject: Subject
    sources: tuple[SourcePlan, ...]
    columns: tuple[Column, ...]
    lookups: tuple[LookupPlan, ...]
    rollups: tuple[RollUp, ...] = ()
    merged: tuple[Merged, ...] = ()
    kept: tuple[Kept, ...] = ()
    running: tuple[Running, ...] = ()
    notes: tuple[Note, ...] = ()

    @property
    def grains(self) -> tuple[Grain, ...]:
        """The grains, finest first: the order in which they are computed."""
        return tuple(grain for grain in Grain if grain in self.subject.grains)

    @property
    def reaches(self) -> bool:
        """Whether any leaf covers time beside its row's own partition."""
        return any(leaf.frame.reaches for one in self.sources for leaf in one.leaves)

    @property
    def follows(self) -> bool:
        """Whether any leaf counts what comes of events later, beyond their row's own partition."""
        return any(leaf.options.journey is not None for one in self.sources for leaf in one.leaves)

    def fills(self, grain: Grain) -> tuple[Period, ...]:
        """How long after its last own row a key has rows at a grain, by metric, each length once.

        Hours are not filled, and without dimensions there is a row in each partition anyway.
        """
        if grain is Grain.HOUR or not self.subject.key:
            return ()
        shown = (one.fill for one in self.columns if grain in one.shown)
        return tuple(dict.fromkeys(one.period for one in shown if one is not None))

    def source(self, name: str) -> SourcePlan:
        """The source of that name.

        Raises:
            KeyError: There is none.
        """
        for one in self.sources:
            if one.name == name:
                return one
        raise KeyError(name)

    def rollup(self, source: str, grain: Grain) -> RollUp | None:
        """How a grain of a source may be merged from states; ``None``: it must be read from the source."""
        for one in self.rollups:
            if one.source == source and one.grain is grain:
                return one
        return None

    def merging(self, source: str, grain: Grain) -> Merged | None:
        """How what leaves reach back to may be merged; ``None``: it must be read from the source."""
        for one in self.merged:
            if one.source == source and one.grain is grain:
                return one
        return None

    def running_of(self, source: str, atom: Grain) -> Running | None:
        """What is kept running of a source's days (or hours)."""
        found = (one for one in self.running if not one.apart)
        return next((one for one in found if one.source == source and one.atom is atom), None)

    def running_apart(self, leaf: Leaf, grain: Grain) -> Running | None:
        """What is kept of a leaf that does not merge, for a grain."""
        found = (one for one in self.running if one.apart and one.atom is leaf.frame.atom(grain))
        return next((one for one in found if leaf.id in {each.id for each in one.leaves}), None)

    def runs_on(self, source: str, grain: Grain) -> bool:
        """Whether anything that a grain has of a source goes on from a running state."""
        how = self.merging(source, grain)
        if how is None or self.running_of(source, how.atom) is None:
            return False
        return any(leaf.runs_on for leaf in self.source(source).framed_at(grain))

    def kept_of(self, source: str) -> tuple[Leaf, ...]:
        """The leaves of a source whose values are kept, at the finest grain."""
        return next((one.leaves for one in self.kept if one.source == source), ())

    def kept_at(self, source: str, grain: Grain) -> tuple[Leaf, ...]:
        """Those of them whose values are kept at a grain: none at another than the finest."""
        return self.kept_of(source) if grain is self.grains[0] else ()

    def shared_of(self, source: str, grain: Grain) -> tuple[Leaf, ...]:
        """The leaves of wholes of a grain's own partitions that are counted from values where its own are."""
        ids = {leaf.id for leaf in self.kept_of(source)}
        if grain is not self.grains[0] and self.rollup(source, grain) is None:
            return ()
        framed = (leaf for leaf in self.source(source).framed_at(grain) if not leaf.frame.reaches)
        return tuple(leaf for leaf in framed if not leaf.merges and leaf.base in ids)

    def columns_at(self, grain: Grain) -> tuple[Column, ...]:
        """The columns of a grain."""
        return tuple(one for one in self.columns if grain in one.grains)

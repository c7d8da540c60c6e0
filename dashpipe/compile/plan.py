"""The logical plan: what is read, aggregated, joined, finished and written. Immutable; without run times.

A metric is leaf states and a finaliser. A *leaf* is one aggregation of one source; its identity is a hash
over the source's scan, the aggregation, the expression and the filter, never its name, so that metrics share
leaves and stored states say what they are. An *aggregate* node computes leaves in one scan of a source; the
nodes of all sources are joined by key; *columns* finish metrics from leaves and from one another.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from dashpipe.compile.frame import PLAIN, Frame
from dashpipe.compile.leaves import kind_of
from dashpipe.expr import FieldType, Typed
from dashpipe.spec.model import Fill, Grain, Lookup, Period, Source, Subject

#: What is counted in a source whose arrays are taken apart; in others it is nothing to speak of.
DOCUMENT, ELEMENT = "document", "element"


@dataclass(frozen=True, slots=True)
class Having:
    """A condition over metrics of the documents of one value.

    ``test`` reads the columns that ``refs`` name; ``columns`` and ``leaves`` are all that these are made of.
    """

    test: Typed
    refs: tuple[tuple[str, str], ...]
    columns: tuple[Column, ...]
    leaves: tuple[Leaf, ...]


@dataclass(frozen=True, slots=True)
class Journey:
    """From base events of an entity to its conversions: each goes to the latest base event within the window.

    ``base`` and ``conversion`` are counts of events by entity (their ``expr``), each of its source.
    """

    base: Leaf
    conversion: Leaf
    window: Period


@dataclass(frozen=True, slots=True)
class Options:
    """What some kinds of leaves need beside a value and a filter.

    ``p`` is a share as whole numbers, (9, 10) for 0.9. ``k`` and ``by`` are of a top list, ``listed`` the
    types of its values and of what they are ordered by. ``at_most`` bounds a set. ``having`` says which
    values count. ``journey`` is of base events and their conversions. ``per`` are the keys of balances,
    ``periods`` how many after its first an entity is followed.
    """

    p: tuple[int, int] = (0, 1)
    k: int = 0
    by: Typed | None = None
    listed: tuple[FieldType, FieldType] = (FieldType.STRING, FieldType.INTEGER)
    at_most: int = 0
    having: Having | None = None
    journey: Journey | None = None
    per: tuple[Typed, ...] = ()
    periods: int = 0


@dataclass(frozen=True, slots=True)
class Leaf:
    """One aggregation of one source: ``kind`` of ``expr`` where ``where`` (both ``None`` for a plain count).

    ``type`` is that of its value as rows hold it. ``label`` says the same in the spec's words. ``frame`` is
    which documents it covers; ``base`` is the leaf whose states make it up where they merge: over time, or
    over the rows of a whole. ``unit`` is what it counts: documents or elements; empty where the source has
    documents only.
    """

    id: str
    source: str
    kind: str
    expr: Typed | None
    where: Typed | None
    type: FieldType
    label: str
    options: Options = Options()
    frame: Frame = PLAIN
    base: str | None = None
    unit: str = ""

    @property
    def merges(self) -> bool:
        """Whether states of this leaf can be merged into that of a coarser grain."""
        return kind_of(self).merge is not None

    @property
    def reads(self) -> tuple[Typed, ...]:
        """Every expression over documents that it computes."""
        inner = () if self.options.having is None else self.options.having.leaves
        own = (self.expr, self.where, self.options.by, *self.options.per)
        return (*(one for one in own if one is not None), *(one for leaf in inner for one in leaf.reads))

    @property
    def stored(self) -> bool:
        """Whether rows keep its state: one that merges, of just the row's documents."""
        return self.merges and self.frame.plain


@dataclass(frozen=True, slots=True)
class Key:
    """One dimension of a row's key, as one source computes it."""

    name: str
    expr: Typed
    type: FieldType


@dataclass(frozen=True, slots=True)
class Aggregate:
    """One scan of a source: documents that pass ``filters``, grouped by the key, into ``leaves``.

    ``query`` is what a pass moved out of ``filters`` into query form, which indexes serve.
    """

    source: str
    leaves: tuple[Leaf, ...]
    filters: tuple[Typed, ...] = ()
    query: dict[str, Any] | None = None

    @property
    def unit(self) -> str:
        """What its leaves count."""
        return self.leaves[0].unit

    @property
    def level(self) -> str:
        """The grouping by key and value that its leaves need below the one by key; empty: none."""
        return kind_of(self.leaves[0]).level

    @property
    def frame(self) -> Frame:
        """Which documents all of its leaves cover."""
        return self.leaves[0].frame


@dataclass(frozen=True, slots=True)
class SourcePlan:
    """A source of the plan: its key, its leaves, the aggregates that compute them.

    ``presence`` is the leaf that counts the documents which pass the source's own ``where``: a row exists
    where it does. ``unique`` is what the documents of a partition differ in: of those that agree the newest
    counts. ``types`` are the types of the document fields that are read. ``leaves_at`` a grain are
    those that the metrics of that grain need.
    """

    name: str
    source: Source
    identity: str
    key: tuple[Key, ...]
    types: tuple[tuple[str, FieldType], ...]
    unique: tuple[Typed, ...]
    where: Typed | None
    presence: Leaf
    leaves: tuple[Leaf, ...]
    aggregates: tuple[Aggregate, ...]
    by_grain: tuple[tuple[Grain, tuple[str, ...]], ...]

    @property
    def quarantined(self) -> tuple[tuple[str, FieldType], ...]:
        """The fields of which a mistyped value leaves its document out, with their types."""
        wanted = {one.path for one in self.source.fields if one.on_type_error == "quarantine"}
        return tuple(one for one in self.types if one[0] in wanted)

    def leaves_at(self, grain: Grain) -> tuple[Leaf, ...]:
        """The leaves that a grain needs."""
        ids = dict(self.by_grain)[grain]
        return tuple(leaf for leaf in self.leaves if leaf.id in ids)

    def own_at(self, grain: Grain) -> tuple[Leaf, ...]:
        """Those of them that cover just the row's own partition and key."""
        return tuple(leaf for leaf in self.leaves_at(grain) if leaf.frame.plain)

    def framed_at(self, grain: Grain) -> tuple[Leaf, ...]:
        """Those of them that cover something else."""
        return tuple(leaf for leaf in self.leaves_at(grain) if not leaf.frame.plain)


@dataclass(frozen=True, slots=True)
class Value:
    """A metric that is its leaf's value."""

    leaf: str


@dataclass(frozen=True, slots=True)
class Mean:
    """A sum over a count of the same values."""

    total: str
    count: str


@dataclass(frozen=True, slots=True)
class Spread:
    """A variance, or its root, of a sample or of a whole population, from the moments of the values."""

    moments: str
    population: bool
    root: bool


@dataclass(frozen=True, slots=True)
class Ratio:
    """Two metrics of the row, divided."""

    numerator: str
    denominator: str
    on_zero: str | int | None


@dataclass(frozen=True, slots=True)
class Formula:
    """An expression over metrics of the row; ``refs`` are the names that it reads, each with its column."""

    expr: Typed
    refs: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Carried:
    """The value of a leaf, else that of another, which is of the time before."""

    own: str
    before: str


@dataclass(frozen=True, slots=True)
class Same:
    """The value of another column."""

    column: str


Finaliser = Value | Carried | Mean | Spread | Ratio | Formula | Same


@dataclass(frozen=True, slots=True)
class Column:
    """A metric of the row: how it is finished, and its value where nothing matched.

    ``matched`` are the leaves that tell whether anything matched: (leaf id, kind). It is computed at
    ``grains``, because another column there may read it, and written at ``shown``. Where its frame leads to
    before the subject's start it is null. ``fill`` is the value that is written, and read by nothing, in rows
    that are added.
    """

    name: str
    finaliser: Finaliser
    type: FieldType
    matched: tuple[tuple[str, str], ...]
    empty: Any
    has_empty: bool
    grains: tuple[Grain, ...]
    shown: tuple[Grain, ...]
    frame: Frame = PLAIN
    fill: Fill | None = None


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
    """What the leaves of a source and grain reach back to can be merged from the states of ``atom``."""

    source: str
    grain: Grain
    atom: Grain


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
    notes: tuple[Note, ...] = ()

    @property
    def grains(self) -> tuple[Grain, ...]:
        """The grains, finest first: the order in which they are computed."""
        return tuple(grain for grain in Grain if grain in self.subject.grains)

    @property
    def reaches(self) -> bool:
        """Whether any leaf covers time beside its row's own partition."""
        return any(leaf.frame.reaches for one in self.sources for leaf in one.leaves)

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

    def kept_of(self, source: str) -> tuple[Leaf, ...]:
        """The leaves of a source whose values are kept, at the finest grain."""
        return next((one.leaves for one in self.kept if one.source == source), ())

    def kept_at(self, source: str, grain: Grain) -> tuple[Leaf, ...]:
        """Those of them whose values are kept at a grain: none at another than the finest."""
        return self.kept_of(source) if grain is self.grains[0] else ()

    def columns_at(self, grain: Grain) -> tuple[Column, ...]:
        """The columns of a grain."""
        return tuple(one for one in self.columns if grain in one.grains)

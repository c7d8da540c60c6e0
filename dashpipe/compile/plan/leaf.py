"""A leaf: one aggregation of one source, whose state a metric is made of."""

from __future__ import annotations

from dataclasses import dataclass

from dashpipe.compile.frame import PLAIN, Frame
from dashpipe.compile.leaves import balances, kind_of
from dashpipe.compile.plan.column import Column
from dashpipe.expr import FieldType, Typed
from dashpipe.spec.model import COHORTS, Period

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
class Daily:
    """What is made of the values of a column on each day of a partition: ``avg``, ``min`` or ``max``.

    ``columns`` are it and all that it reads, each of one day.
    """

    how: str
    column: str
    columns: tuple[Column, ...]


@dataclass(frozen=True, slots=True)
class Options:
    """What some kinds of leaves need beside a value and a filter.

    ``p`` is a share as whole numbers, (9, 10) for 0.9. ``k`` and ``by`` are of a top list, ``listed`` the
    types of its values and of what they are ordered by. ``at_most`` bounds a set. ``having`` says which
    values count. ``journey`` is of base events and their conversions. ``per`` are the keys of balances,
    ``periods`` how many after its first an entity is followed. ``daily`` is of the values of days.
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
    daily: Daily | None = None


@dataclass(frozen=True, slots=True)
class Leaf:
    """One aggregation of one source: ``kind`` of ``expr`` where ``where`` (both ``None`` for a plain count).

    ``type`` is that of its value as rows hold it. ``label`` says the same in the spec's words. ``frame`` is
    which documents it covers; ``base`` is the leaf whose states make it up where they merge, over time or
    over the rows of a whole, or whose values, where these can be kept; of cohorts it names the first days
    that can be kept. ``unit`` is what it counts: documents or elements; empty where the source has documents
    only.
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
    def adds_up(self) -> bool:
        """Whether states of one partition, of keys that have no document in common, make up that of all."""
        return self.merges or kind_of(self).across is not None

    @property
    def runs_on(self) -> bool:
        """Whether it merges and is of all that came before, so that what it was goes on."""
        return self.merges and self.frame.runs_on

    @property
    def goes_on(self) -> bool:
        """Whether it goes on from what is kept of each key: balances that are carried always, and cohorts.

        Of the ones it is the last value of each of their keys, of the others each entity's first day.
        """
        if self.kind in COHORTS:
            return self.base is not None
        return self.kind in balances.KINDS and self.frame.carry is not None and self.frame.runs_on

    @property
    def reads(self) -> tuple[Typed, ...]:
        """Every expression over documents that it computes."""
        inner = () if self.options.having is None else self.options.having.leaves
        own = (self.expr, self.where, self.options.by, *self.options.per)
        return (*(one for one in own if one is not None), *(one for leaf in inner for one in leaf.reads))

    @property
    def sources(self) -> tuple[str, ...]:
        """The sources whose documents it is computed of."""
        journey = self.options.journey
        return (self.source,) if journey is None else (self.source, journey.conversion.source)

    @property
    def stored(self) -> bool:
        """Whether rows keep its state: one that merges, of just the row's documents."""
        return self.merges and self.frame.plain

"""What is read of a source, and in which scans."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from dashpipe.compile.frame import Frame
from dashpipe.compile.leaves import kind_of
from dashpipe.compile.plan.leaf import Leaf
from dashpipe.expr import FieldType, Typed
from dashpipe.spec.model import Grain, Source


@dataclass(frozen=True, slots=True)
class Key:
    """One dimension of a row's key, as one source computes it.

    Where it is ``found``, it is looked up by what the source computes, and of whatever type that is.
    """

    name: str
    expr: Typed
    type: FieldType
    found: bool = False


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
        """Those of them that cover something else, and are made of documents or of stored states."""
        framed = (leaf for leaf in self.leaves_at(grain) if not leaf.frame.plain)
        return tuple(leaf for leaf in framed if leaf.options.daily is None)

    def daily_at(self, grain: Grain) -> tuple[Leaf, ...]:
        """Those of them that are made of the values of days."""
        return tuple(leaf for leaf in self.leaves_at(grain) if leaf.options.daily is not None)

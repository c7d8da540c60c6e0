"""Parts by what is looked up: those of hidden keys are merged by the value that was found for these.

A row is of the keys that lead to its value on the last day of its partition, and so is all that its leaves
reach back to. An offset leads to another row: that is of the keys which led to the value then.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dashpipe.compile.covers import source_label
from dashpipe.compile.emit.grouping import part
from dashpipe.compile.emit.pairs import counted
from dashpipe.compile.emit.reach import Beside, framed, keys_of, place_of
from dashpipe.compile.emit.scan import own_of, paired
from dashpipe.compile.emit.stages import Stage, Stages
from dashpipe.compile.frame import PLAIN, Frame
from dashpipe.compile.keys import of_rows
from dashpipe.compile.leaves import added_up
from dashpipe.compile.plan import Key, Leaf, LookupPlan, Plan
from dashpipe.spec.model import Grain


@dataclass(frozen=True, slots=True)
class Grouping:
    """A pipeline that makes parts of rows of what is of hidden keys.

    Attributes:
        source: The source that it is of.
        pairs: Whether it runs on values beside hidden keys; else on parts of these.
        of: What the parts are of, where not of the rows' own keys.
        stages: The stages, which yield the parts.
    """

    source: str
    pairs: bool
    of: Beside | None
    stages: Stages


def grouped(plan: Plan, grain: Grain, labels: tuple[str, ...], lookups: Mapping[str, str]) -> list[Grouping]:
    """The pipelines for what is of the rows' own partition.

    One a source, and one for what is made of the same values. What a source has nothing of stays absent.

    Args:
        plan: The plan.
        grain: The grain of the parts.
        labels: The partitions.
        lookups: For each looked-up dimension, the collection of what was found, in the same database.
    """
    made = []
    for source in plan.sources:
        leaves = tuple(leaf for leaf in source.own_at(grain) if leaf.adds_up)
        found = _Found(plan, grain, labels, lookups, PLAIN)
        there = {source.presence.id: {"$exists": True}}
        made.append(Grouping(source.name, False, None, found.added_up(there, leaves)))
        for aggregate, some in own_of(plan, grain, source):
            if paired(plan, aggregate):
                stages = [*found.beside(some[0]), *counted(aggregate, some, found.key, found.group)]
                made.append(Grouping(source.name, True, None, stages))
    return made


def regrouped(
    plan: Plan, grain: Grain, labels: tuple[str, ...], lookups: Mapping[str, str]
) -> list[Grouping]:
    """As ``grouped``, for what leaves cover beside a row's own partition and key."""
    made = []
    for source in plan.sources:
        frames: dict[Frame, tuple[Leaf, ...]] = {}
        for leaf in source.framed_at(grain):
            # Where rows of a whole merge, it is merged from theirs.
            if leaf.adds_up and not (leaf.merges and leaf.frame.of is not None):
                frames[leaf.frame] = (*frames.get(leaf.frame, ()), leaf)
        for frame, leaves in frames.items():
            found = _Found(plan, grain, labels, lookups, frame)
            there = {"$or": [{leaf.id: {"$exists": True}} for leaf in leaves]}
            made.append(Grouping(source.name, False, place_of(frame), found.added_up(there, leaves)))
        for aggregate, leaves in framed(grain, source, merging=False):
            if paired(plan, aggregate):
                found = _Found(plan, grain, labels, lookups, aggregate.frame)
                stages = [*found.beside(leaves[0]), *counted(aggregate, leaves, found.key, found.group)]
                made.append(Grouping(source.name, True, place_of(aggregate.frame), stages))
    return made


def held_at(plan: Plan, grain: Grain, labels: tuple[str, ...]) -> tuple[str, ...]:
    """The partitions as of which something is looked up: these, and those that offsets lead to."""
    frames = {leaf.frame for source in plan.sources for leaf in source.framed_at(grain)}
    led = (
        source_label(frame, grain, label, plan.subject.calendar)
        for frame in sorted(frames, key=str)
        if frame.shifts
        for label in labels
    )
    return tuple(dict.fromkeys((*labels, *(one for one in led if one is not None))))


def found_by(one: LookupPlan, at: Any = "$p") -> Any:
    """What a lookup found for a part; of a lookup with validity, on the last day of a partition."""
    # Not `$l_name.v`: engines in use find nothing on a path through an array.
    found: Any = {"$first": f"$l_{one.name}"}
    if one.lookup.valid is not None:
        held = {"$let": {"vars": {"one": found}, "in": {"$ifNull": ["$$one.at", []]}}}
        found = {"$first": {"$filter": {"input": held, "as": "at", "cond": {"$eq": ["$$at.p", at]}}}}
    return {"$let": {"vars": {"one": found}, "in": "$$one.v"}}


class _Found:
    """How what is of hidden keys is brought under the key of rows, for the leaves of a frame."""

    def __init__(
        self, plan: Plan, grain: Grain, labels: tuple[str, ...], lookups: Mapping[str, str], frame: Frame
    ) -> None:
        by = {one.name: one for one in plan.lookups if one.grouped}
        self.key: tuple[Key, ...] = keys_of(of_rows(plan).sources[0], frame.of)
        self.joins: Stages = []
        self.group: Stage = {"p": "$p"}
        for at, one in enumerate(self.key):
            value: Any = f"$k.{one.name}"
            if one.found:
                lookup = by[one.name]
                foreign = {"from": lookups[one.name], "localField": f"k.{lookup.key}", "foreignField": "_id"}
                self.joins.append({"$lookup": {**foreign, "as": f"l_{one.name}"}})
                value = found_by(lookup, _as_of(plan, grain, labels, frame))
            self.group[f"k{at}"] = {"$ifNull": [value, None]}

    def added_up(self, there: Stage, leaves: tuple[Leaf, ...]) -> Stages:
        """The stages that merge parts."""
        fields, states = added_up(leaves, lambda leaf: f"${leaf.id}")
        return [
            {"$match": there}, *self.joins, {"$group": {"_id": self.group, **fields}}, part(self.key, states)
        ]  # fmt: skip

    def beside(self, first: Leaf) -> Stages:
        """The stages that put what was found beside values."""
        return [{"$match": {"a": first.id}}, *self.joins]


def _as_of(plan: Plan, grain: Grain, labels: tuple[str, ...], frame: Frame) -> Any:
    """The partition on whose last day the keys of a part lead to its value, as an expression."""
    own: Any = {"$substrBytes": ["$p", 0, 10]} if frame.daily else "$p"
    if not frame.shifts:
        return own
    calendar = plan.subject.calendar
    led = ({"p": one, "q": source_label(frame, grain, one, calendar)} for one in labels)
    listed = [one for one in led if one["q"] is not None]
    mine = {"$filter": {"input": {"$literal": listed}, "as": "one", "cond": {"$eq": ["$$one.p", own]}}}
    return {"$let": {"vars": {"one": {"$first": mine}}, "in": "$$one.q"}}

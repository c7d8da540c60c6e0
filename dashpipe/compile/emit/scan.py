"""From an aggregate of a source to stages: the literal time range first, then the filters, then groups.

Each pipeline yields *parts*: ``{_id: key text, p: label, k: {dimension: value}, <leaf id>: state, …}``. Parts
of the same ``_id`` from several scans and sources join without fan-out, by their fields side by side.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from dashpipe import expr
from dashpipe.compile import instant, partition
from dashpipe.compile.covers import Cover
from dashpipe.compile.emit import labels as lb
from dashpipe.compile.emit.grouping import grouped, part
from dashpipe.compile.emit.pairs import by_key_and_value
from dashpipe.compile.emit.quarantine import left_out
from dashpipe.compile.emit.spread import early, instants, spread, taking
from dashpipe.compile.emit.stages import Stage, Stages
from dashpipe.compile.emit.unique import newest
from dashpipe.compile.emit.unwind import once, prepared, taken_apart
from dashpipe.compile.frame import Frame
from dashpipe.compile.leaves import merged, ranks
from dashpipe.compile.plan import Aggregate, Key, Leaf, Plan, SourcePlan
from dashpipe.spec.model import Grain

#: The field that holds, for one document, the partitions that take it.
TAKING = "_dashpipe_taking"


@dataclass(frozen=True, slots=True)
class Ref:
    """A collection, by database and name."""

    database: str
    collection: str


@dataclass(frozen=True, slots=True)
class Reading:
    """Which documents a scan reads, and how they are grouped.

    Attributes:
        grain: The grain of the documents' labels.
        labels: The partitions.
        key: The dimensions of the groups.
        covers: What each partition takes of the labels, where that is not just itself.
        early: Whether groups go to the partitions that take them; else documents do.
    """

    grain: Grain
    labels: tuple[str, ...]
    key: tuple[Key, ...]
    covers: tuple[Cover, ...] = ()
    early: bool = True


def time_match(
    plan: Plan, source: SourcePlan, grain: Grain, labels: tuple[str, ...], exactly: bool = False
) -> Stages:
    """The filters for the documents of some partitions: literal bounds on the raw time field, then the rest.

    Args:
        plan: The plan.
        source: One of its sources.
        grain: The grain of the partitions.
        labels: The partitions, at least one.
        exactly: Let no document of a partition beside them through, where the time's form would.
    """
    spans = partition.ranges(grain, labels, plan.subject.calendar)
    return instant.between(source.source.time, spans, exactly)


def scan(plan: Plan, grain: Grain, source: str, labels: tuple[str, ...], into: Ref | None) -> list[Stages]:
    """The pipelines that compute a source's parts of some partitions, each to be run on the source.

    Args:
        plan: The plan.
        grain: The grain of the parts.
        source: The source's name.
        labels: The partitions, at least one.
        into: The parts collection to merge into, or ``None`` to yield the parts through a cursor.
    """
    one, how = plan.source(source), Reading(grain, labels, key=plan.source(source).key)
    return [
        pipeline(plan, one, aggregate, leaves, how) + merge(into)
        for aggregate, leaves in own_of(plan, grain, one)
        if not paired(plan, aggregate)
    ]


def pairs(plan: Plan, grain: Grain, source: str, labels: tuple[str, ...]) -> list[Stages]:
    """As ``scan``, of what is made of values: the pipelines that yield them, where keys are hidden."""
    one, how = plan.source(source), Reading(grain, labels, key=plan.source(source).key)
    return [
        pipeline(plan, one, aggregate, leaves, how)
        for aggregate, leaves in own_of(plan, grain, one)
        if paired(plan, aggregate)
    ]


def own_of(plan: Plan, grain: Grain, source: SourcePlan) -> Iterator[tuple[Aggregate, tuple[Leaf, ...]]]:
    """What is computed of the documents of just the row's own partition and key, and which leaves of it."""
    # What is counted from kept values is counted from those of the same partitions too: one scan, not two.
    kept = {leaf.id for leaf in plan.kept_at(source.name, grain)}
    wanted = {leaf.id for leaf in source.own_at(grain)} - kept
    for aggregate in source.aggregates:
        leaves = tuple(leaf for leaf in aggregate.leaves if leaf.id in wanted)
        if leaves:
            yield aggregate, leaves


def paired(plan: Plan, aggregate: Aggregate) -> bool:
    """Whether values are kept beside hidden keys, until what is looked up by these is found."""
    return bool(plan.subject.hidden_keys) and ranks.by_pairs(aggregate.leaves[0])


def merge(into: Ref | None, *, keep: bool = False) -> Stages:
    """The stage that joins parts by ``_id`` into a collection; ``keep``: only those that are not there."""
    if into is None:
        return []
    target = {"db": into.database, "coll": into.collection}
    matched = "keepExisting" if keep else "merge"
    return [{"$merge": {"into": target, "on": "_id", "whenMatched": matched, "whenNotMatched": "insert"}}]


def documents(
    plan: Plan,
    source: SourcePlan,
    aggregate: Aggregate,
    leaves: tuple[Leaf, ...],
    grain: Grain,
    labels: tuple[str, ...],
    match: Stages,
) -> Stages:
    """The stages that yield the documents (or elements) which an aggregate counts.

    Args:
        plan: The plan.
        source: The source.
        aggregate: What is computed.
        leaves: Its leaves that are wanted.
        grain: The grain of whose partitions the newest documents count, where they are told apart.
        labels: The partitions.
        match: The filters by time.
    """
    shaped = newest(source, leaves, grain, plan.subject.calendar, labels)
    shaped += taken_apart(source, aggregate.unit)
    late = bool(source.source.prepare or shaped)
    query: Stages = [] if aggregate.query is None else [{"$match": aggregate.query}]
    stages: Stages = [*match, *([] if late else query), *prepared(source), *left_out(source), *shaped]
    stages += query if late else []
    conditions = [expr.to_condition(one) for one in aggregate.filters]
    if conditions:
        stages.append({"$match": {"$expr": conditions[0] if len(conditions) == 1 else {"$and": conditions}}})
    return stages


def pipeline(
    plan: Plan, source: SourcePlan, aggregate: Aggregate, leaves: tuple[Leaf, ...], how: Reading
) -> Stages:
    """The stages that yield the parts of some leaves of an aggregate, or the values that they are made of.

    Args:
        plan: The plan.
        source: The source.
        aggregate: What is computed.
        leaves: Its leaves that are wanted, all of which merge where groups are spread.
        how: Which documents go where.
    """
    stages, group, only = labelled(plan, source, aggregate, leaves, how)
    moment = instant.value(source.source.time)
    if paired(plan, aggregate):
        return [*stages, *by_key_and_value(aggregate, leaves, how.key, group, only, moment)]
    within = f"${TAKING}.own" if aggregate.frame.own else None
    made, states = grouped(aggregate, leaves, group, only, moment, within)
    stages += made
    if how.covers and how.early:
        fields, again = merged(leaves, lambda leaf: f"${leaf.id}")
        stages += [{"$project": states}, *spread_over(aggregate.frame, leaves, how.covers)]
        stages.append({"$group": {"_id": "$_id", **fields}})
        states = again
    return [*stages, part(how.key, states)]


def spread_over(frame: Frame, leaves: tuple[Leaf, ...], covers: tuple[Cover, ...]) -> Stages:
    """The stages that give states of days (or hours) to the partitions, or days of these, that take them."""
    before = early(covers) if frame.daily else []
    if not before:
        return spread(covers)
    fields, states = merged(leaves, lambda leaf: f"${leaf.id}")
    return [*before, {"$group": {"_id": "$_id", **fields}}, {"$project": states}, *spread(covers)]


def labelled(
    plan: Plan, source: SourcePlan, aggregate: Aggregate, leaves: tuple[Leaf, ...], how: Reading
) -> tuple[Stages, Stage, tuple[str, ...]]:
    """The stages that yield the documents of an aggregate, and how they are grouped.

    Returns:
        The stages; the parts of a document's group, as expressions by name; and the partitions that count,
        where the documents may hold some of others, else none.
    """
    subject = plan.subject
    time = source.source.time
    if how.covers:
        match = instant.between(time, instants(how.covers, subject.calendar))
    else:
        match = time_match(plan, source, how.grain, how.labels)
    stages = documents(plan, source, aggregate, leaves, how.grain, how.labels, match)
    label = lb.of_document(how.grain, time, subject.calendar, how.labels)
    if how.covers and not how.early:
        told = aggregate.frame.own
        stages += [{"$set": {TAKING: taking(how.covers, label, own=told)}}, {"$unwind": f"${TAKING}"}]
        label = f"${TAKING}.p" if told else f"${TAKING}"
    group: Stage = {"p": label}
    for at, key in enumerate(how.key):
        group[f"k{at}"] = lb.key_value(key, expr.to_agg(key.expr), subject.timezone)
    single, group = once(source, leaves, aggregate.unit, group)
    # Where ranges hold instants of other partitions, the part that they give of those is no whole one.
    ragged = not instant.exact(time) or partition.ragged(how.grain, how.labels, subject.calendar)
    return [*stages, *single], group, how.labels if ragged and not how.covers else ()

"""From a resolved subject to its unoptimised plan: one scan a leaf, every filter where the spec put it."""

from __future__ import annotations

from dashpipe.compile import keys
from dashpipe.compile.logical.aggregates import aggregate
from dashpipe.compile.logical.builder import Builder, Finished, Need
from dashpipe.compile.logical.composites import composite
from dashpipe.compile.logical.followed import journey, retention
from dashpipe.compile.plan import Plan, SourcePlan
from dashpipe.compile.sources import read
from dashpipe.spec.model import AGGREGATES, COHORTS, JOURNEYS, Metric, Subject
from dashpipe.spec.typing.parts import filters


def build(subject: Subject) -> Plan:
    """The unoptimised plan of a subject.

    Raises:
        CompileError: The spec does not hold together.
        expr.ExpressionErrors: An expression is wrong.
    """
    builder = Builder(subject, _finish)
    added = filters(subject)
    for source in subject.sources:
        own = tuple(one for one in subject.metrics if one.source == source.name)
        builder.readings[source.name] = read(subject, source, own, added.get(source.name, ()))
    for source in subject.sources:
        presence = builder.readings[source.name].leaf("count")
        builder.presence[source.name] = builder.add(source.name, presence, subject.grains)
    for metric in subject.metrics:
        builder.column(metric.name, Need(builder.grains(metric)))
    sources = tuple(_source(builder, one.name) for one in subject.sources)
    keys.agree(subject, sources)
    keys.mergeable(subject, sources)
    return Plan(subject, sources, tuple(builder.columns.values()), keys.lookups(subject))


def _finish(builder: Builder, metric: Metric, need: Need) -> Finished:
    if metric.type in JOURNEYS:
        return journey(builder, metric, need)
    if metric.type in COHORTS:
        return retention(builder, metric, need)
    if metric.type in AGGREGATES:
        return aggregate(builder, metric, need)
    return composite(builder, metric, need)


def _source(builder: Builder, name: str) -> SourcePlan:
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

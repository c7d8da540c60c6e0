"""Columns of metrics that are computed from documents: their leaves, and how these are finished."""

from __future__ import annotations

from dashpipe import expr
from dashpipe.compile.errors import CompileError
from dashpipe.compile.frame import carried
from dashpipe.compile.leaves import kind_of
from dashpipe.compile.logical.builder import Builder, Finished, Need
from dashpipe.compile.plan import Carried, Having, Mean, Spread, Value
from dashpipe.expr import FieldType, Scope
from dashpipe.spec.model import Metric, Period
from dashpipe.spec.typing.parsed import parse
from dashpipe.spec.typing.types import method_of

_DECIMAL = FieldType.DECIMAL


def aggregate(builder: Builder, metric: Metric, need: Need) -> Finished:
    """An aggregate's column: mostly its leaf's value."""
    if metric.type == "avg":
        total = builder.leaf(metric, "sum", need)
        count = builder.leaf(metric, "count", need)
        type_ = _DECIMAL if total.type is _DECIMAL else FieldType.NUMBER
        return Mean(total.id, count.id), type_, ((count.id, "count"),)
    kind = _kind(metric, merging=bool(builder.subject.hidden_keys))
    if metric.carry is not None:
        return _carried(builder, metric, metric.carry, kind, need)
    having = None if metric.having is None else _having(builder, metric, need)
    leaf = builder.leaf(metric, kind, need, having)
    matched = (leaf.id, kind)
    if kind == "moments":
        spread = Spread(leaf.id, metric.population, root=metric.type == "stddev")
        return spread, leaf.type, (matched,)
    if metric.type == "sum" and metric.name in builder.told:
        matched = (builder.leaf(metric, "count", need).id, "count")
    return Value(leaf.id), leaf.type, (matched,)


def _kind(metric: Metric, *, merging: bool) -> str:
    """The kind of leaf that an aggregate is made of.

    Args:
        metric: The aggregate.
        merging: Whether it is made up of groups of hidden keys: neither sets nor estimates are merged then,
            but values.
    """
    if metric.type == "count_distinct":
        if metric.having is not None:
            return "having"
        return "distinct" if metric.cardinality_at_most is None or merging else "set"
    if metric.type in ("median", "percentile"):
        method = method_of(metric)
        return "discrete" if method == "approximate" and merging else method
    if metric.per:
        return f"{metric.type}s"
    return "moments" if metric.type in ("stddev", "variance") else metric.type


def _carried(builder: Builder, metric: Metric, carry: Period | str, kind: str, need: Need) -> Finished:
    """A first or last value, else the last of the time before; for balances, each key by itself."""
    if need.frame.runs:
        raise CompileError(builder.subject.id, f"{metric.name} is carried, within a cumulative metric")
    if metric.per:
        leaf = builder.leaf(metric, kind, need.within(carried(need.frame, carry, own=True)))
        return Value(leaf.id), leaf.type, ((leaf.id, kind),)
    own = builder.leaf(metric, kind, need)
    before = builder.leaf(metric, "last", need.within(carried(need.frame, carry, own=False)))
    return Carried(own.id, before.id), own.type, ((own.id, kind), (before.id, "last"))


def _having(builder: Builder, metric: Metric, need: Need) -> Having:
    """The condition of a distinct count, with all that the metrics in it are made of.

    The documents are those that pass the count's own filters already: the metrics add only theirs.
    """
    subject = builder.subject
    inner = Builder(subject, builder.finish)
    inner.readings = builder.readings
    parsed = parse(metric.having or "")
    inputs = {one.alias: one.metric for one in metric.inputs}
    wanted = Need(subject.grains[:1], trail=need.trail)
    found = {ref.name: inner.column(inputs.get(ref.name, ref.name), wanted) for ref in expr.names(parsed)}
    leaves = tuple(leaf for one in inner.leaves.values() for leaf in one.values())
    if any(leaf.source != metric.source or kind_of(leaf).level or not leaf.frame.plain for leaf in leaves):
        text = f"`having` of {metric.name} is not of metrics of one pass over its source"
        raise CompileError(subject.id, text)
    types = {name: one.type for name, one in found.items()}
    scope = Scope(fields={}, dimensions={}, metrics=types, timezone=subject.timezone)
    typed = expr.check(parsed, scope, FieldType.BOOLEAN)
    refs = tuple((name, one.name) for name, one in found.items())
    return Having(typed, refs, tuple(inner.columns.values()), leaves)

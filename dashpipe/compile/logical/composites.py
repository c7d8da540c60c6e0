"""Columns of metrics that are made of metrics."""

from __future__ import annotations

from dataclasses import replace

from dashpipe import expr
from dashpipe.compile.errors import CompileError
from dashpipe.compile.frame import cumulated, moved
from dashpipe.compile.logical.builder import Builder, Finished, Need
from dashpipe.compile.logical.daily import DAILY, daily
from dashpipe.compile.plan import Column, Formula, Ratio, Same
from dashpipe.expr import FieldType, Scope
from dashpipe.spec.model import Metric
from dashpipe.spec.typing.parsed import parse

_DECIMAL = FieldType.DECIMAL


def composite(builder: Builder, metric: Metric, need: Need) -> Finished:
    """A composite's column; its own filters go to all that it is made of."""
    within = replace(need, wheres=need.filters(metric))
    if metric.type == "cumulative":
        return _cumulative(builder, metric, within)
    if metric.type in ("ratio", "share"):
        return _quotient(builder, metric, within)
    return _derived(builder, metric, within)


def _cumulative(builder: Builder, metric: Metric, need: Need) -> Finished:
    if need.frame.runs:
        text = f"{metric.name} is cumulative within a cumulative metric"
        raise CompileError(builder.subject.id, text)
    reach = need.within(cumulated(need.frame, metric))
    if metric.period_agg in DAILY:
        return daily(builder, metric, reach)
    one = builder.column(metric.metric or "", reach)
    return Same(one.name), one.type, one.matched


def _quotient(builder: Builder, metric: Metric, need: Need) -> Finished:
    """A ratio of two metrics, or the share of a metric in that of a coarser key."""
    first, second = metric.numerator, metric.denominator
    whole = need
    if metric.type == "share":
        if need.frame.of is not None:
            raise CompileError(builder.subject.id, f"{metric.name} is a share of a share")
        first = second = metric.metric
        whole = need.within(replace(need.frame, of=metric.of))
    sides = (builder.column(first or "", need), builder.column(second or "", whole))
    type_ = _DECIMAL if all(one.type is _DECIMAL for one in sides) else FieldType.NUMBER
    matched = tuple(dict.fromkeys((*sides[0].matched, *sides[1].matched)))
    return Ratio(sides[0].name, sides[1].name, metric.on_zero), type_, matched


def _derived(builder: Builder, metric: Metric, need: Need) -> Finished:
    """An expression over metrics, each under the filter and at the offset that its input says."""
    parsed = parse(metric.expr or "")
    inputs = {one.alias: one for one in metric.inputs}
    refs: dict[str, Column] = {}
    for ref in expr.names(parsed):
        given, wanted = inputs.get(ref.name), need
        if given is not None and given.where is not None:
            wanted = replace(wanted, wheres=(*need.wheres, given.where))
        if given is not None and given.offset is not None:
            if need.frame.runs:
                text = f"{metric.name} has an offset in a cumulative metric"
                raise CompileError(builder.subject.id, text)
            wanted = wanted.within(moved(need.frame, given.offset))
        refs[ref.name] = builder.column(ref.name if given is None else given.metric, wanted)
    types = {name: one.type for name, one in refs.items()}
    scope = Scope(fields={}, dimensions={}, metrics=types, timezone=builder.subject.timezone)
    typed = expr.check(parsed, scope, None)
    type_ = _DECIMAL if refs and all(one.type is _DECIMAL for one in refs.values()) else FieldType.NUMBER
    matched = tuple(dict.fromkeys(pair for one in refs.values() for pair in one.matched))
    return Formula(typed, tuple((name, one.name) for name, one in refs.items())), type_, matched

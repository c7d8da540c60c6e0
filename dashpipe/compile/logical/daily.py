"""Columns that are made of the values of a partition's days (``period_agg``)."""

from __future__ import annotations

from dataclasses import replace

from dashpipe.compile import canonical
from dashpipe.compile.errors import CompileError
from dashpipe.compile.frame import by_day
from dashpipe.compile.logical.builder import Builder, Finished, Need
from dashpipe.compile.plan import Column, Daily, Leaf, OfDays, Options
from dashpipe.expr import FieldType
from dashpipe.expr.types import NUMERIC
from dashpipe.spec.model import Grain, Metric

#: What is made of the values of a partition's days, by the spec's word.
DAILY = {"average": "avg", "min": "min", "max": "max"}


def daily(builder: Builder, metric: Metric, need: Need) -> Finished:
    """What is made of the values of a partition's days; up to grain day, the one value there is."""
    how, name = DAILY[metric.period_agg or ""], metric.metric or ""
    short = tuple(one for one in need.grains if one in (Grain.HOUR, Grain.DAY))
    long = tuple(one for one in need.grains if one not in short)
    own = builder.column(name, replace(need, grains=short)) if short else None
    # The columns of days are finished apart, and no columns of the row.
    columns, builder.columns = builder.columns, {}
    by_days = replace(need, grains=long, frame=by_day(need.frame))
    each = builder.column(name, by_days) if long else own
    made, builder.columns = tuple(builder.columns.values()), columns
    assert each is not None
    if each.type not in NUMERIC or any(one.frame.of is not None for one in (each, *made)):
        text = f"{metric.name} is made of the values of days: of numbers that are no shares"
        raise CompileError(builder.subject.id, text)
    type_ = each.type if how != "avg" or each.type is FieldType.DECIMAL else FieldType.NUMBER
    matched = () if own is None else own.matched
    if not long:
        return OfDays(None, each.name), type_, matched
    leaf = _leaf(_leaf_of(builder, each), how, each, made, by_days, type_)
    builder.keep(leaf.source, leaf, long)
    finaliser = OfDays(leaf.id, None if own is None else own.name)
    return finaliser, type_, ((leaf.id, "daily"), *matched)


def _leaf_of(builder: Builder, column: Column) -> Leaf:
    """The first leaf that tells whether anything matched."""
    wanted = column.matched[0][0]
    return next(one for leaves in builder.leaves.values() for one in leaves.values() if one.id == wanted)


def _leaf(
    first: Leaf, how: str, each: Column, made: tuple[Column, ...], need: Need, type_: FieldType
) -> Leaf:
    """The leaf that holds what the days' values make; it lies where a leaf of theirs lies."""
    meaning = [how, replace(need.frame, daily=False).meaning]
    meaning.append(repr([(one.name, one.finaliser, one.empty) for one in made]))
    return replace(
        first,
        id=f"daily_{canonical.digest(meaning)}",
        kind="daily",
        expr=None,
        where=None,
        type=type_,
        label=f"{how} of {each.name}",
        options=Options(daily=Daily(how, each.name, made)),
        frame=need.frame,
        base=None,
    )

"""Metrics from the states of their leaves, and from one another, level by level."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from dashpipe import expr
from dashpipe.compile import leaves as table
from dashpipe.compile.emit.stages import Stages
from dashpipe.compile.leaves import moments
from dashpipe.compile.plan import (
    Carried,
    Column,
    Finaliser,
    Formula,
    Leaf,
    Mean,
    OfDays,
    Ratio,
    Same,
    Spread,
    Value,
)
from dashpipe.compile.written import literal, written
from dashpipe.expr import FieldType


def computed(
    columns: tuple[Column, ...],
    leaves: Mapping[str, Leaf],
    places: Mapping[str, str],
    known: Mapping[str, str] = MappingProxyType({}),
) -> Stages:
    """The stages that compute columns from documents that hold the states of leaves, by leaf id.

    Args:
        columns: The columns, each after those that it reads.
        leaves: The leaves, by id.
        places: The field that each column is put into, by its name.
        known: The first partition at which a column has a value, where its offset leads back to the start.
    """
    return [
        {"$set": {places[one.name]: _value(one, leaves, places, known) for one in level}}
        for level in levels(columns)
    ]


def levels(columns: tuple[Column, ...]) -> list[list[Column]]:
    """Columns level by level: each reads only those of the levels before it."""
    depth: dict[str, int] = {}
    found: list[list[Column]] = []
    for one in columns:
        # What a metric of days reads is there up to grain day alone.
        depth[one.name] = max((depth[name] + 1 for name in _reads(one.finaliser) if name in depth), default=0)
        while len(found) <= depth[one.name]:
            found.append([])
        found[depth[one.name]].append(one)
    return found


def _reads(finaliser: Finaliser) -> tuple[str, ...]:
    if isinstance(finaliser, Ratio):
        return (finaliser.numerator, finaliser.denominator)
    if isinstance(finaliser, Formula):
        return tuple(name for _, name in finaliser.refs)
    if isinstance(finaliser, Same):
        return (finaliser.column,)
    if isinstance(finaliser, OfDays):
        return () if finaliser.column is None else (finaliser.column,)
    return ()


def made_of(finaliser: Finaliser) -> tuple[str, ...]:
    """The leaves that a column is finished from by itself."""
    match finaliser:
        case Value(leaf):
            return (leaf,)
        case Carried(own, before):
            return (own, before)
        case Mean(total, count):
            return (total, count)
        case Spread(state, _, _):
            return (state,)
    return ()


def _value(
    column: Column, leaves: Mapping[str, Leaf], places: Mapping[str, str], known: Mapping[str, str]
) -> Any:
    made = _finished(column, leaves, places)
    if column.has_empty:
        made = {"$cond": [matched(column), made, literal(column.empty, column.type)]}
    if column.name in known:
        made = {"$cond": [{"$gte": ["$p", known[column.name]]}, made, None]}
    return made


def matched(column: Column) -> Any:
    """Whether any document matched any leaf of a column, as an expression."""
    tests = [table.KINDS[kind].matched(f"${leaf}") for leaf, kind in column.matched]
    return tests[0] if len(tests) == 1 else {"$or": tests}


def _finished(column: Column, leaves: Mapping[str, Leaf], places: Mapping[str, str]) -> Any:
    match column.finaliser:
        case Value(leaf):
            return table.value(leaves[leaf], f"${leaf}")
        case Carried(own, before):
            return {"$ifNull": [table.value(leaves[leaf], f"${leaf}") for leaf in (own, before)]}
        case Mean(total, count):
            return {
                "$cond": [{"$gt": [f"${count}", 0]}, _quotient(f"${total}", f"${count}", column.type), None]
            }
        case Spread(state, population, root):
            return moments.spread(f"${state}", population=population, root=root)
        case Same(other):
            return f"${places[other]}"
        case OfDays(leaf, other):
            if leaf is not None and leaf in leaves:
                return table.value(leaves[leaf], f"${leaf}")
            assert other is not None
            return written(f"${places[other]}", column.type)
        case Ratio(numerator, denominator, on_zero):
            top, bottom = f"${places[numerator]}", f"${places[denominator]}"
            zero = literal(0, column.type) if on_zero == 0 else None
            known = {"$and": [{"$gt": [top, None]}, {"$gt": [bottom, None]}]}
            whole = {"$cond": [{"$eq": [bottom, 0]}, zero, _quotient(top, bottom, column.type)]}
            return {"$cond": [known, whole, None]}
        case Formula(typed, refs):
            metrics = {name: f"${places[column]}" for name, column in refs}
            return written(expr.to_agg(typed, metrics), column.type)


def _quotient(top: Any, bottom: Any, type_: FieldType) -> Any:
    return written({"$divide": [top, bottom]}, type_)


def problems(columns: tuple[Column, ...], places: Mapping[str, str], leaves: Mapping[str, Leaf]) -> list[Any]:
    """What makes a row unfit to be written: the run fails and names it, rather than write a wrong number."""
    found: list[Any] = []
    for one in columns:
        if isinstance(one.finaliser, Ratio) and one.finaliser.on_zero == "error":
            zero = {"$eq": [f"${places[one.finaliser.denominator]}", 0]}
            if one.has_empty:  # where nothing matched, `empty` stands and nothing is divided
                zero = {"$and": [matched(one), zero]}
            found.append({"$cond": [zero, f"{one.name}: the denominator is 0", None]})
    for leaf in leaves.values():
        problem = table.kind_of(leaf).problem
        said = None if problem is None else problem(leaf)
        if said is not None:
            found.append(said)
    return found

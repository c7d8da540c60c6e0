"""From parts to rows: lookups joined, metrics finished from their states, the row in its final form."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from dashpipe import expr
from dashpipe.compile.emit.scan import Stages
from dashpipe.compile.plan import Column, Finaliser, Formula, Leaf, Mean, Plan, Ratio, Value
from dashpipe.expr import FieldType
from dashpipe.spec.model import Grain

#: Dividing by one with 34 digits strips a Decimal128's trailing zeros: the ideal exponent of the quotient is
#: 33 above the dividend's, and the nearest to it that is exact has none (IEEE 754-2019, 5.4.1, division).
#: Adding zero then gives whole numbers and zero itself back their plain form (100, not 1E+2; 0, not 0E+33).
_ONE = Decimal("1." + "0" * 33)
_ZERO = Decimal(0)


def finalise(
    plan: Plan,
    grain: Grain,
    incomplete: tuple[str, ...],
    lookups: Mapping[str, str],
    into: str | None,
) -> Stages:
    """The pipeline from parts to rows, to be run on the parts (or appended to the one scan of a plan).

    Args:
        plan: The plan.
        grain: The grain of the rows.
        incomplete: The labels of partitions that are not over yet.
        lookups: For each looked-up dimension, the collection ``{_id: key, v: value}`` in the same database.
        into: The staging collection to replace, or ``None`` to yield the rows.
    """
    columns = plan.columns_at(grain)
    places = {one.name: f"c{at}" for at, one in enumerate(columns)}
    leaves = {leaf.id: leaf for source in plan.sources for leaf in source.leaves_at(grain)}
    stages: Stages = []
    for lookup in plan.lookups:
        stages.append(
            {
                "$lookup": {
                    "from": lookups[lookup.name],
                    "localField": f"k.{lookup.key}",
                    "foreignField": "_id",
                    "as": f"l_{lookup.name}",
                }
            }
        )
    for level in _levels(columns):
        stages.append({"$set": {places[one.name]: _value(one, leaves, places) for one in level}})
    stages.append({"$replaceWith": _row(plan, grain, columns, places, leaves, incomplete)})
    if into is not None:
        stages.append({"$out": into})
    return stages


def direct(plan: Plan, grain: Grain) -> bool:
    """Whether one scan gives whole parts, so that no parts collection is needed between scan and rows."""
    if plan.lookups or len(plan.sources) != 1 or not plan.sources[0].key:
        return False
    wanted = {leaf.id for leaf in plan.sources[0].leaves_at(grain)}
    scans = [one for one in plan.sources[0].aggregates if any(leaf.id in wanted for leaf in one.leaves)]
    return len(scans) == 1


def spine(plan: Plan, labels: tuple[str, ...]) -> list[dict[str, Any]]:
    """The parts that are there without documents: without dimensions, one row a partition always."""
    return [] if plan.subject.key else [{"_id": label, "p": label} for label in labels]


def _levels(columns: tuple[Column, ...]) -> list[list[Column]]:
    depth: dict[str, int] = {}
    levels: list[list[Column]] = []
    for one in columns:
        depth[one.name] = max((depth[name] + 1 for name in _reads(one.finaliser)), default=0)
        while len(levels) <= depth[one.name]:
            levels.append([])
        levels[depth[one.name]].append(one)
    return levels


def _reads(finaliser: Finaliser) -> tuple[str, ...]:
    if isinstance(finaliser, Ratio):
        return (finaliser.numerator, finaliser.denominator)
    if isinstance(finaliser, Formula):
        return tuple(name for _, name in finaliser.refs)
    return ()


def _value(column: Column, leaves: Mapping[str, Leaf], places: Mapping[str, str]) -> Any:
    made = _finished(column, leaves, places)
    if not column.has_empty:
        return made
    return {"$cond": [_matched(column), made, literal(column.empty, column.type)]}


def _matched(column: Column) -> Any:
    """Whether any document matched any leaf of a column."""
    tests = [{"$gt": [f"${leaf}", None if kind in ("min", "max") else 0]} for leaf, kind in column.matched]
    return tests[0] if len(tests) == 1 else {"$or": tests}


def _finished(column: Column, leaves: Mapping[str, Leaf], places: Mapping[str, str]) -> Any:
    match column.finaliser:
        case Value(leaf):
            nothing = 0 if leaves[leaf].kind in ("count", "sum", "distinct") else None
            value = {"$ifNull": [f"${leaf}", nothing]}
            if _may_overflow(leaves[leaf]):
                return {"$convert": {"input": value, "to": "long", "onError": None}}  # `_problems` says so
            return written(value, column.type)
        case Mean(total, count):
            return {
                "$cond": [{"$gt": [f"${count}", 0]}, _quotient(f"${total}", f"${count}", column.type), None]
            }
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


def written(value: Any, type_: FieldType) -> Any:
    """A value in the type that rows hold: long, double, or Decimal128 in its one plain form."""
    if type_ is FieldType.INTEGER:
        return {"$toLong": value}
    if type_ is FieldType.NUMBER:
        return {"$toDouble": value}
    if type_ is FieldType.DECIMAL:
        return {"$add": [{"$divide": [{"$toDecimal": value}, _ONE]}, _ZERO]}
    return value


def literal(value: Any, type_: FieldType) -> Any:
    """A spec's literal (``empty``, ``on_zero: 0``) in the type of its metric."""
    if value is None or isinstance(value, (list, str)):
        return {"$literal": value}
    if type_ is FieldType.INTEGER:
        return {"$toLong": int(value)}
    if type_ is FieldType.DECIMAL:
        return Decimal(str(value))
    return float(value)


def _row(
    plan: Plan,
    grain: Grain,
    columns: tuple[Column, ...],
    places: Mapping[str, str],
    leaves: Mapping[str, Leaf],
    incomplete: tuple[str, ...],
) -> dict[str, Any]:
    row: dict[str, Any] = {"_id": "$_id"}
    looked_up = {one.name for one in plan.lookups}
    for dimension in plan.subject.dimensions:
        found: Any = f"$k.{dimension.name}"
        if dimension.name in looked_up:
            # Not `$l_name.v`: engines in use find nothing on a path through an array.
            found = {"$let": {"vars": {"one": {"$first": f"$l_{dimension.name}"}}, "in": "$$one.v"}}
        row[dimension.name] = {"$ifNull": [found, None]}
    for one in columns:
        if grain in one.shown:
            row[one.name] = {"$ifNull": [f"${places[one.name]}", None]}
    row["partition_date"] = {"$substrBytes": ["$p", 0, 10]}
    if grain is Grain.HOUR:
        row["partition_hour"] = {"$substrBytes": ["$p", 11, 8]}
    row["grain"] = grain.value
    row["complete"] = {"$not": [{"$in": ["$p", list(incomplete)]}]} if incomplete else True
    row["_state"] = {leaf.id: f"${leaf.id}" for leaf in leaves.values() if leaf.merges}
    problems = _problems(columns, places, leaves)
    if problems:
        row["_problems"] = {
            "$let": {
                "vars": {"found": {"$setDifference": [problems, [None]]}},
                "in": {"$cond": [{"$eq": ["$$found", []]}, "$$REMOVE", "$$found"]},
            }
        }
    return row


def _problems(
    columns: tuple[Column, ...], places: Mapping[str, str], leaves: Mapping[str, Leaf]
) -> list[Any]:
    """What makes a row unfit to be written: the run fails and names it, rather than write a wrong number."""
    found: list[Any] = []
    for one in columns:
        if isinstance(one.finaliser, Ratio) and one.finaliser.on_zero == "error":
            zero = {"$eq": [f"${places[one.finaliser.denominator]}", 0]}
            if one.has_empty:  # where nothing matched, `empty` stands and nothing is divided
                zero = {"$and": [_matched(one), zero]}
            found.append({"$cond": [zero, f"{one.name}: the denominator is 0", None]})
    for leaf in leaves.values():
        if _may_overflow(leaf):
            wide = {"$eq": [{"$type": f"${leaf.id}"}, "double"]}
            found.append({"$cond": [wide, f"{leaf.label}: the sum exceeds 64 bits", None]})
    return found


def _may_overflow(leaf: Leaf) -> bool:
    """Whether the server turns the leaf into a double where it leaves 64 bits: a sum of longs."""
    return leaf.kind == "sum" and leaf.type is FieldType.INTEGER

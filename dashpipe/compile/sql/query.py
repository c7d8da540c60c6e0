"""The rows of a grain as one query: documents, one aggregate a source, joined by key, metrics finished."""

from __future__ import annotations

from dashpipe.compile.covers import known_from
from dashpipe.compile.emit.columns import levels
from dashpipe.compile.emit.fill import since
from dashpipe.compile.plan import Column, Leaf
from dashpipe.compile.sql.expression import literal
from dashpipe.compile.sql.finish import finished, matched
from dashpipe.compile.sql.gather import Gathered
from dashpipe.compile.sql.looked import holds
from dashpipe.compile.sql.names import cte, path, quoted, select


def query(given: Gathered) -> str:
    """The text of the query.

    Args:
        given: What it is gathered from; afterwards it tells what could not be said.
    """
    plan, grain = given.plan, given.grain
    columns = plan.columns_at(grain)
    for source in plan.sources:
        given.of_leaf(source.presence, "", "documents")
    metrics = {one.name for one in plan.subject.metrics}
    called = {
        one.name: quoted(one.name) if one.name in metrics else given.names.new(one.name) for one in columns
    }
    steps = [[_metric(given, one, called) for one in level] for level in levels(columns)]
    shown = [_shown(given, one, called) for one in columns if grain in one.shown]
    given.aggregated()
    _keys(given)
    given.of_days()
    _joined(given)
    before = "joined"
    for at, step in enumerate(steps):
        name = "metrics" if at == 0 else given.names.new(f"metrics_{at + 1}")
        given.parts.append(cte(name, select(["*", *step], before)))
        before = name
    dimensions = [quoted(one.name) for one in plan.subject.dimensions]
    last = [*given.label, *dimensions, *shown, *(["filled"] if plan.fills(grain) else [])]
    order = ", ".join(str(at + 1) for at in range(len(given.label) + len(dimensions)))
    parts = ",\n".join([given.partitions.statement, *given.parts])
    listed = ",\n  ".join(last)
    return f"WITH {parts}\nSELECT\n  {listed}\nFROM {before}\nORDER BY {order};"


def _metric(given: Gathered, column: Column, called: dict[str, str]) -> str:
    def of_leaf(leaf: Leaf, form: str) -> str:
        return given.of_leaf(leaf, form, called[column.name])

    subject = given.plan.subject
    known = known_from(column.frame, given.grain, subject.start, subject.calendar)
    made = finished(column, given.leaves, of_leaf, lambda name: called[name], known)
    return f"{made} AS {called[column.name]}"


def _shown(given: Gathered, column: Column, called: dict[str, str]) -> str:
    """What a row shows of a metric: in one that was added, its fill where nothing matched."""
    name, periods = called[column.name], given.plan.fills(given.grain)
    if column.fill is None or not periods:
        return name
    at = periods.index(column.fill.period)
    hit = matched(column, given.leaves, lambda leaf, form: given.of_leaf(leaf, form, name))
    value = literal(column.fill.value)
    return f"CASE WHEN filled_{at} AND NOT {hit} THEN {value} ELSE {name} END AS {name}"


def _keys(given: Gathered) -> None:
    """Every key that has a row: of a document in the partition, or added after one."""
    dims = [quoted(one) for one in given.key]
    shown = [*given.label, *dims]
    if not given.key:
        given.parts.append(cte("keys", select(shown, "partitions")))
        return
    present = [given.total(one.presence).name for one in given.plan.sources]
    own = "\n  UNION\n".join(f"  SELECT {', '.join(shown)}\n  FROM {name}" for name in present)
    periods = given.plan.fills(given.grain)
    if not periods:
        given.parts.append(cte("keys", own))
        return
    froms = [f"from_{at}" for at in range(len(periods))]
    lines = [
        "(" + ", ".join(f"'{one}'" for one in (label, *since(periods, label, given.calendar))) + ")"
        for label in given.labels
    ]
    marks = [f"bool_or(partition_date >= {one}) AS filled_{at}" for at, one in enumerate(froms)]
    least = froms[0] if len(froms) == 1 else f"least({', '.join(froms)})"
    added = select(["label AS partition_date", *dims, *marks], "own_keys")
    added += f"\n  JOIN fills ON partition_date >= {least} AND partition_date < label\n  GROUP BY ALL"
    named = [f"filled_{at}" for at in range(len(periods))]
    asked = ", ".join(f"'{one}'" for one in given.labels)
    same = _same(given, "own_keys", "added_keys", given.key)
    both = select([*shown, "NULL AS filled", *(f"FALSE AS {one}" for one in named)], "own_keys")
    both += f"\n  WHERE partition_date IN ({asked})\n  UNION ALL\n"
    both += select([*shown, "TRUE AS filled", *named], "added_keys")
    both += f"\n  WHERE NOT EXISTS (SELECT 1 FROM own_keys WHERE {same})"
    fills = f"fills(label, {', '.join(froms)}) AS (\n  VALUES\n    " + ",\n    ".join(lines) + "\n)"
    given.parts += [cte("own_keys", own), fills, cte("added_keys", added), cte("keys", both)]


def _joined(given: Gathered) -> None:
    """Each key beside what every source has of it."""
    shown, joins = ["keys.*"], ""
    for one in given.totals:
        shown += [f"{one.name}.{name}" for name, _ in one.columns]
        joins += f"\n  LEFT JOIN {one.name} ON {_same(given, 'keys', one.name, one.keys)}"
    lookups = [one for one in given.plan.lookups if not one.grouped]  # by others the keys are grouped
    days = given.last_days() if any(one.lookup.valid is not None for one in lookups) else ""
    if days:
        joins += f"\n  LEFT JOIN {days} ON {days}.label = keys.partition_date"
    found: dict[str, str] = {}
    for lookup in lookups:
        wanted, alias = lookup.lookup, given.names.new(f"{lookup.name}_of")
        found[lookup.name] = path(alias, wanted.field)
        shown.append(f"{found[lookup.name]} AS {quoted(lookup.name)}")
        key = found.get(lookup.key, f"keys.{quoted(lookup.key)}")
        joins += f"\n  LEFT JOIN {quoted(given.tables[lookup.name].name)} AS {alias}"
        joins += f" ON {path(alias, wanted.foreign)} = {key}"
        if wanted.valid is not None:
            joins += "".join(f"\n    AND {one}" for one in holds(wanted.valid, alias, days))
    given.parts.append(cte("joined", select(shown, "keys") + joins))


def _same(given: Gathered, left: str, right: str, keys: tuple[str, ...]) -> str:
    """The test that two rows are of one partition and key: NULL is a value as any."""
    tests = [f"{left}.{one} = {right}.{one}" for one in given.label]
    tests += [f"{left}.{quoted(one)} IS NOT DISTINCT FROM {right}.{quoted(one)}" for one in keys]
    return ("\n    AND " if len(tests) > 2 else " AND ").join(tests)

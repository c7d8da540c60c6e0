"""Conversions: each event goes to the latest base event of its entity, and counts there."""

from __future__ import annotations

from dashpipe.compile.plan import Journey, Leaf
from dashpipe.compile.sql.aggregates import conditions, joined
from dashpipe.compile.sql.documents import DAY, TIME, Reader
from dashpipe.compile.sql.names import cte, quoted, select
from dashpipe.compile.sql.spans import Spans
from dashpipe.compile.sql.totals import Total

#: What a journey's leaves are, of base events with the number ``n`` of their conversions.
_FORMS = {"converted": "count(n)", "conversions": "coalesce(sum(n), 0)"}


def follow(
    one: Total,
    leaf: Leaf,
    label: tuple[str, ...],
    documents: tuple[str, ...],
    readers: tuple[Reader, Reader],
    partitions: Spans,
) -> list[str]:
    """The queries that give each conversion to its base event and count them by the base event's row.

    Args:
        one: The query that counts.
        leaf: What it counts.
        label: The columns of a partition.
        documents: All documents of the base source, and all of the conversion's.
        readers: How these are read.
        partitions: The partitions, with what each takes.
    """
    journey = leaf.options.journey
    assert journey is not None
    keys = [quoted(each.name) for each in readers[0].source.key]
    base, after, latest, counted = (f"{one.name}_{each}" for each in ("base", "after", "latest", "counted"))
    told = [
        _events(base, journey.base, documents[0], readers[0], [*keys, DAY]),
        _events(after, journey.conversion, documents[1], readers[1], []),
        cte(
            latest,
            f"  SELECT one._id, one.{TIME}, max({{'at': base.{TIME}, 'id': base._id}}) AS base\n"
            f"  FROM {after} AS one\n"
            f"  JOIN {base} AS base ON base._entity = one._entity AND base.{TIME} <= one.{TIME}\n"
            "  GROUP BY ALL",
        ),
        cte(
            counted,
            f"  SELECT base.id AS _id, count(*) AS n\n  FROM {latest}\n"
            f"  WHERE {TIME} < base.at + {_interval(journey)}\n  GROUP BY ALL",
        ),
    ]
    shown = [*(f"{partitions.name}.{each}" for each in label), *one.dimensions]
    shown += [f"{_FORMS[leaf.kind]} AS {name}" for name, _ in one.columns]
    read = f"{base}\n  LEFT JOIN {counted} USING (_id)\n  JOIN {partitions.name} ON "
    read += partitions.holds(DAY, TIME) + one.looked_up(base, partitions.name)
    return [*told, cte(one.name, select(shown, read) + "\n  GROUP BY ALL")]


def _events(name: str, leaf: Leaf, documents: str, reader: Reader, columns: list[str]) -> str:
    assert leaf.expr is not None
    shown = [*columns, TIME, f"{reader.row}._id AS _id", f"{reader.text(leaf.expr)} AS _entity"]
    tests = joined(conditions(leaf, reader, there=True))
    return cte(name, select(shown, documents) + f"\n  WHERE {tests}")


def _interval(journey: Journey) -> str:
    return f"INTERVAL {journey.window.n} {journey.window.unit.upper()}"

"""The documents or elements of a source that count, as a query: the newest, taken apart, filtered."""

from __future__ import annotations

from dataclasses import dataclass

from dashpipe.compile.emit.unwind import by_element
from dashpipe.compile.plan import DOCUMENT, SourcePlan
from dashpipe.compile.sql.expression import Named, written
from dashpipe.compile.sql.names import cte, path, quoted, select
from dashpipe.compile.sql.spans import Spans
from dashpipe.expr import FieldType, Typed

#: The local day and the instant of a document: no name of a spec begins with `_`.
DAY, TIME = "_day", "_time"

#: Kinds of leaves that look at the instant.
_TIMED = ("first", "last", "firsts", "lasts")

_TIMES = {
    "date": "{}",
    "iso": "date_trunc('millisecond', CAST({} AS TIMESTAMPTZ))",
    "epoch_s": "timezone('UTC', epoch_ms(CAST(floor({} * 1000) AS BIGINT)))",
    "epoch_ms": "timezone('UTC', epoch_ms(CAST(floor({}) AS BIGINT)))",
    "object_id": "timezone('UTC', epoch_ms(1000 * CAST('0x' || left({}, 8) AS BIGINT)))",
    "snapshot": "now()",
}


@dataclass(frozen=True, slots=True)
class Reader:
    """How the documents of a source are read in a query.

    Attributes:
        source: The source.
        table: Its table.
        tz: The subject's zone.
        row: The column that holds a document whole.
        element: The column that holds an element, where an array is taken apart.
    """

    source: SourcePlan
    table: str
    tz: str
    row: str
    element: str

    @property
    def named(self) -> Named:
        """How a field is called."""
        unwind = self.source.source.unwind

        def called(dotted: str) -> str:
            root, _, rest = dotted.partition(".")
            if unwind is not None and root == unwind.alias:
                return path(self.element, rest) if rest else self.element
            return path(self.row, dotted)

        return called

    def text(self, typed: Typed) -> str:
        """An expression over a document."""
        return written(typed, self.named, self.tz)

    @property
    def time(self) -> str:
        """The instant of a document."""
        time = self.source.source.time
        return _TIMES[time.kind].format(path(self.row, time.field))

    @property
    def day(self) -> str:
        """The local day of a document."""
        return f"CAST(timezone('{self.tz}', {self.time}) AS DATE)"

    def keys(self) -> list[str]:
        """The dimensions of the key, as columns; dates are the text of their local day."""
        made = []
        for one in self.source.key:
            told = self.text(one.expr)
            if one.type is FieldType.DATE:
                told = f"strftime({told}, '%Y-%m-%d')"
            made.append(f"{told} AS {quoted(one.name)}")
        return made


def ctes(reader: Reader, name: str, unit: str, spans: Spans | None, *, hours: bool) -> list[str]:
    """The queries that yield the documents of a source, the last of them under the name.

    Args:
        reader: How the source is read.
        name: What the last of them is called.
        unit: What is counted.
        spans: The partitions whose documents are wanted, which are then told; ``None``: all, with their day.
        hours: Whether documents without partitions are told apart by hours and not by days.
    """
    source = reader.source
    own = [] if spans is None else [f"{spans.name}.{one}" for one in spans.label]
    read, made = f"{quoted(reader.table)} AS {reader.row}", []
    joined = ""
    if spans is not None and source.source.snapshot:
        joined = f"\n  CROSS JOIN {spans.name}"
    elif spans is not None:
        joined = f"\n  JOIN {spans.name} ON {spans.holds(reader.day, reader.time)}"
    if source.unique:
        same = own or ([reader.day] if not hours else _hour(reader))
        same = [*same, *(reader.text(one) for one in source.unique)]
        order = f"{reader.time} DESC, {reader.row}._id DESC"
        chosen = f"row_number() OVER (PARTITION BY {', '.join(same)} ORDER BY {order}) = 1"
        inner = f"  SELECT {', '.join([*own, reader.row])}\n  FROM {read}{joined}"
        there = f"\n  WHERE {reader.time} IS NOT NULL" if spans is None else ""
        made.append(cte(f"{name}_newest", f"{inner}{there}\n  QUALIFY {chosen}"))
        read, joined = f"{name}_newest", ""
        own = [] if spans is None else list(spans.label)
    columns = [*own, *reader.keys(), *([] if spans is not None else [f"{reader.day} AS {DAY}"])]
    if spans is None or any(leaf.kind in _TIMED for leaf in source.leaves):
        columns.append(f"{reader.time} AS {TIME}")
    columns.append(reader.row)
    tests = [] if spans is not None or source.unique else [f"{reader.time} IS NOT NULL"]
    distinct = ""
    unwind = source.source.unwind
    if unwind is not None:
        array = path(reader.row, unwind.path)
        if unit == DOCUMENT and not by_element(source):
            tests += [] if unwind.keep_empty else [f"len({array}) > 0"]
        else:
            keep = unwind.keep_empty and unit == DOCUMENT
            taken = f"(SELECT unnest({array}) AS {reader.element}) AS one_each"
            read += f"\n  LEFT JOIN LATERAL {taken} ON TRUE" if keep else f"\n  CROSS JOIN LATERAL {taken}"
            if unit == DOCUMENT:
                distinct = "DISTINCT "
            else:
                columns.append(reader.element)
    if source.where is not None:
        tests.append(reader.text(source.where))
    where = "" if not tests else "\n  WHERE " + " AND ".join(_bracketed(one, len(tests)) for one in tests)
    made.append(cte(name, select(columns, f"{read}{joined}{where}", distinct)))
    return made


def _hour(reader: Reader) -> list[str]:
    """What tells the local hours apart, also the one that a clock change repeats."""
    local = f"timezone('{reader.tz}', {reader.time})"
    return [f"date_trunc('hour', {local})", f"{local} - timezone('UTC', {reader.time})"]


def _bracketed(test: str, of: int) -> str:
    return f"({test})" if of > 1 and " OR " in test else test

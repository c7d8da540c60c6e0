"""The independent truth: what a subject's rows must be, by DuckDB's SQL over the same documents.

It knows the spec language and nothing of the compiler. Documents become typed columns by the mistyped rule,
calendar partitions come from DuckDB's own time-zone functions, each metric is SQL written by hand for its
type.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from functools import lru_cache
from typing import Any

import duckdb
from bson import Decimal128, Int64, ObjectId

from dashpipe.spec.model import FISCAL, Grain, Lookup, Source, Subject
from tests.differential import special
from tests.differential.documents import FIELDS, Document
from tests.differential.metrics import Cell, Columns, canonical, exact, leaves, sql
from tests.differential.reading import reach, read
from tests.differential.times import instant

_SQL = {
    "integer": "BIGINT",
    "number": "DOUBLE",
    "decimal": "DECIMAL(18,4)",
    "string": "VARCHAR",
    "boolean": "BOOLEAN",
    "date": "TIMESTAMPTZ",
    "object_id": "VARCHAR",
    "array": "BIGINT[]",
}
_SEVEN = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


# -----------------------------------------------------------------------------------------------------------


_number = itertools.count()


@lru_cache(maxsize=1)
def _engine() -> duckdb.DuckDBPyConnection:
    return duckdb.connect()


def _instant(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, timezone.utc)


def _quoted(value: Any) -> str:
    """A value as a literal (bound parameters cost DuckDB an import a value)."""
    if value is None:
        return "NULL"
    if isinstance(value, (bool, int)):
        return str(value)
    if isinstance(value, list):
        return f"[{', '.join(map(_quoted, value))}]"
    kind = "::DOUBLE" if isinstance(value, float) else ""
    return "'" + str(value).replace("'", "''") + "'" + kind


@dataclass(frozen=True)
class Expected:
    """The rows of a grain by ``_id``, and the ids of those that must not be loaded (a forbidden zero)."""

    rows: dict[str, Document]
    refused: frozenset[str]


@lru_cache(maxsize=64)
def _stamps(days: tuple[str, ...], grain: Grain) -> str:
    """The first days of the fiscal periods of a calendar's months, as an SQL list."""
    stamps = (f"TIMESTAMP '{one}'" for one in days[:: FISCAL[grain]])
    return f"[{', '.join(stamps)}]"


class Oracle:
    """A subject's data in DuckDB, while it is entered; ``rows`` asks it for a grain's rows.

    Args:
        subject: The subject.
        documents: The documents of each collection, by its name.
        names: The collection of each source and of each looked-up dimension.
        types: The type of each expression that a metric aggregates, and of each dimension.
    """

    def __init__(
        self,
        subject: Subject,
        documents: Mapping[str, list[Document]],
        names: Mapping[str, str],
        types: Mapping[str, str],
    ) -> None:
        self.subject = subject
        self.documents = documents
        self.names = names
        self.types = types
        self.db = _engine().cursor()
        self.schema = f"case_{next(_number)}"
        self.db.execute(f"CREATE SCHEMA {self.schema}; SET schema = '{self.schema}'")
        for setting in (
            f"TimeZone='{subject.timezone}'",
            "ieee_floating_point_ops=false",
            "threads=1",
            "Calendar='gregorian'",
        ):
            self.db.execute(f"SET {setting}")
        self.key = sorted(one.name for one in subject.row_key)
        #: What rows are grouped by that a hidden key leads to.
        self.grouped = {
            one.name: one.lookup
            for one in subject.dimensions
            if one.lookup is not None and one.lookup.key in subject.hidden_keys
        }
        for name, lookup in self.grouped.items():
            self._load_found(name, lookup)
        for source in subject.sources:
            self._load(source)

    def __enter__(self) -> Oracle:
        return self

    def __exit__(self, *_: object) -> None:
        self.db.execute(f"SET schema = 'main'; DROP SCHEMA {self.schema} CASCADE")
        self.db.close()

    def _load(self, source: Source) -> None:
        """A source's dated documents as a table of typed columns, and as a view that adds its dimensions."""
        columns = ", ".join(f'"{path}" {_SQL[type_]}' for path, type_ in FIELDS.items())
        self.db.execute(f"CREATE TABLE raw_{source.name} (_id VARCHAR, _at TIMESTAMPTZ, {columns})")
        values: list[str] = []
        for one in self.documents[self.names[source.name]]:
            row = [str(one["_id"]).rjust(24, "0"), instant(reach(one, source.time.field), source.time.kind)]
            row += [read(reach(one, path), type_)[0] for path, type_ in FIELDS.items()]
            values.append(f"({', '.join(map(_quoted, row))})")
        if values:
            self.db.execute(f"INSERT INTO raw_{source.name} VALUES {', '.join(values)}")
        given = {one.name: one.expr for one in source.dimensions}
        read_ = {name: f"({sql(text or name)})" for name, text in given.items()}
        added = [f", {text} AS {name}" for name, text in read_.items() if name not in FIELDS]
        for name, lookup in self.grouped.items():
            key = f"CAST({read_[lookup.key]} AS VARCHAR)"
            added.append(f", (SELECT v FROM found_{name} WHERE k = {key}) AS {name}")
        self.db.execute(
            f"""CREATE VIEW dim_{source.name} AS SELECT *{"".join(added)} FROM (
                SELECT * EXCLUDE ("geo.country", "geo.city.name"),
                    {{'country': "geo.country", 'city': {{'name': "geo.city.name"}}}} AS geo,
                    timezone('{self.subject.timezone}', _at) AS _local
                FROM raw_{source.name} WHERE _at IS NOT NULL
            ) AS doc"""
        )

    def _load_found(self, name: str, lookup: Lookup) -> None:
        """What keys lead to, as a table of texts: a letter that tells the type, and the value."""
        self.db.execute(f"CREATE TABLE found_{name} (k VARCHAR, v VARCHAR)")
        for one in self.documents[self.names[name]]:
            foreign, value = one.get(lookup.foreign), one.get(lookup.field)
            if foreign is not None:
                told = [str(foreign), _typed(value)]
                self.db.execute(f"INSERT INTO found_{name} VALUES ({', '.join(map(_quoted, told))})")

    def label(self, grain: Grain) -> str:
        """The label of a document's partition, as SQL over its instant and its local time."""
        if grain is Grain.HOUR:
            minutes = "CAST(date_diff('minute', timezone('UTC', _at), _local) AS INTEGER)"
            sign = f"CASE WHEN {minutes} < 0 THEN '-' ELSE '+' END"
            offset = f"format('{{}}{{:02d}}{{:02d}}', {sign}, abs({minutes}) // 60, abs({minutes}) % 60)"
            return f"strftime(_local, '%Y-%m-%dT%H') || {offset}"
        return f"strftime({self.first('_local', grain)}, '%Y-%m-%d')"

    def first(self, local: str, grain: Grain) -> str:
        """The first day of the partition (day or coarser) that holds a local time, as SQL."""
        if grain is Grain.WEEK:
            shift = _SEVEN.index(self.subject.week_start)
            return f"(date_trunc('week', {local} - INTERVAL {shift} DAY) + INTERVAL {shift} DAY)"
        if grain in FISCAL:
            return self._fiscal(local, grain)
        return f"date_trunc('{grain.value}', {local})"

    def _fiscal(self, local: str, grain: Grain) -> str:
        """The first day of the fiscal period that holds a local time: by shifted months, or from a list."""
        fiscal = self.subject.fiscal
        assert fiscal is not None
        if fiscal.first_month is None:
            return f"list_max(list_filter({_stamps(fiscal.days, grain)}, lambda one: one <= {local}))"
        shift = f"INTERVAL {fiscal.first_month - 1} MONTH"
        part = grain.value.removeprefix("fiscal_")
        return f"(date_trunc('{part}', date_trunc('month', {local}) - {shift}) + {shift})"

    def _after(self, first: str, grain: Grain) -> str:
        """The first day of the next partition (day or coarser), as SQL."""
        fiscal = self.subject.fiscal
        if grain in FISCAL and fiscal is not None and fiscal.first_month is None:
            return f"list_min(list_filter({_stamps(fiscal.days, grain)}, lambda one: one > {first}))"
        part = grain.value.removeprefix("fiscal_")
        return f"{first} + {'INTERVAL 3 MONTH' if part == 'quarter' else f'INTERVAL 1 {part}'}"

    def partitions(self, grain: Grain, days: tuple[date, date]) -> dict[str, tuple[datetime, datetime]]:
        """The partitions that touch the local days ``[from, to)``, each with its start and its end."""
        tz = self.subject.timezone
        low, high = (f"timezone('{tz}', TIMESTAMP '{one} 00:00:00')" for one in days)
        if grain is Grain.HOUR:  # walked in steps that every clock change falls on
            step = "INTERVAL 15 MINUTE"
            walk = f"SELECT unnest(generate_series({low}, {high} - {step}, {step})) AS _at"
            walk = f"SELECT _at, timezone('{tz}', _at) AS _local FROM ({walk})"
            edges = f"min(_at) AS starts, max(_at) + {step} AS ends"
            found = f"SELECT {self.label(grain)} AS p, {edges} FROM ({walk}) GROUP BY p"
        else:
            first, last = (f"TIMESTAMP '{one}'" for one in (days[0], days[1] - timedelta(days=1)))
            walk = f"SELECT unnest(generate_series({first}, {last}, INTERVAL 1 DAY)) AS d"
            begins = f"SELECT DISTINCT {self.first('d', grain)} AS b FROM ({walk})"
            edges = f"timezone('{tz}', b) AS starts, timezone('{tz}', {self._after('b', grain)}) AS ends"
            found = f"SELECT strftime(b, '%Y-%m-%d') AS p, {edges} FROM ({begins})"
        ordered = f"SELECT p, epoch_ms(starts), epoch_ms(ends) FROM ({found}) ORDER BY ends, p"
        rows = self.db.execute(ordered)
        return {p: (_instant(starts), _instant(ends)) for p, starts, ends in rows.fetchall()}

    def rows(
        self, grain: Grain, days: tuple[date, date], as_of: datetime, *, begun: bool = False
    ) -> Expected:
        """The rows of every partition of a grain that the local days ``[from, to)`` touch.

        Args:
            grain: The grain.
            days: The days.
            as_of: What ends after it is not complete.
            begun: Leave out the partitions that begin at or after ``as_of``, as a run does.
        """
        subject = self.subject
        partitions = self.partitions(grain, days)
        if begun:
            partitions = {label: edges for label, edges in partitions.items() if edges[0] < as_of}
        columns = Columns(subject, self.types)
        mine = [one for one in subject.metrics if one.grains is None or grain in one.grains]
        cells = {one.name: columns.cell(one.name) for one in mine}
        joined, keys = self._joined(grain, partitions, columns)
        out = [f"({self._shown(cell)}) AS m{at}" for at, cell in enumerate(cells.values())]
        zeros = [one for cell in cells.values() for one in cell.zeros]
        made_of = sorted({one for cell in cells.values() if cell.type == "decimal" for one in leaves(cell)})
        select = ["p", *keys, *out, f"({' OR '.join(zeros) or 'FALSE'}) AS refused", *made_of]
        names = ["p", *self.key, *(f"m{at}" for at in range(len(cells))), "refused", *made_of]
        rows: dict[str, Document] = {}
        refused: set[str] = set()
        for found in self.db.execute(f"SELECT {', '.join(select)} FROM ({joined})").fetchall():
            row = dict(zip(names, found))
            complete = partitions[row["p"]][1] <= as_of
            made = self._row(grain, row["p"], {one: row[one] for one in self.key}, complete)
            for at, (metric, cell) in enumerate(zip(mine, cells.values())):
                if not metric.hidden:
                    made[metric.name] = self._written(cell, row[f"m{at}"], row)
            rows[made["_id"]] = made
            if row["refused"]:
                refused.add(made["_id"])
        return Expected(rows, frozenset(refused))

    def _joined(self, grain: Grain, partitions: Iterable[str], columns: Columns) -> tuple[str, list[str]]:
        """The SQL of the joined aggregates: every key that any source has, beside each source's columns."""
        labels = ", ".join(f"('{one}')" for one in partitions)
        grouped: dict[str, str] = {}
        names = [f"k_{one}" for one in self.key]
        shown = ["keys.*"]
        for source in self.subject.sources:
            dims = [f"{self._dimension(one)} AS k_{one}" for one in self.key]
            own = [f"{text} AS {source.name}_a{at}" for at, text in enumerate(columns.columns[source.name])]
            where = f" AND ({sql(source.where)})" if source.where else ""
            by = ", ".join(str(at + 1) for at in range(len(dims) + 1))
            select = ", ".join([f"{self.label(grain)} AS p", *dims, *own])
            inside = f"{self.label(grain)} IN (SELECT * FROM (VALUES {labels}))"
            rest = f"FROM {self._chosen(source, grain)} AS doc WHERE {inside}{where}"
            grouped[f"{source.name}_g"] = f"SELECT {select} {rest} GROUP BY {by}"
            shown += [f"{source.name}_g.{source.name}_a{at}" for at in range(len(own))]
            for at, one in enumerate(columns.nested[source.name]):
                only = "".join(f" AND ({each})" for each in one.conditions)
                mine = [f"{text} AS {source.name}_a{at}" for at, text in enumerate(one.columns)]
                below = ", ".join([f"{self.label(grain)} AS p", *dims, f"({one.value}) AS v", *mine])
                values = f"SELECT {below} {rest}{only} AND ({one.value}) IS NOT NULL GROUP BY {by}, v"
                counted = ", ".join(["p", *names, f"count(*) AS {source.name}_h{at}"])
                grouped[f"{source.name}_n{at}"] = (
                    f"SELECT {counted} FROM ({values}) WHERE {one.having} GROUP BY {by}"
                )
                shown.append(f"{source.name}_n{at}.{source.name}_h{at}")
        if self.key:
            wanted = [f"{one.name}_g" for one in self.subject.sources]
            every = " UNION ".join(f"SELECT {', '.join(['p', *names])} FROM {one}" for one in wanted)
        else:
            every = f"SELECT * FROM (VALUES {labels}) AS v(p)"
        joins = "".join(
            f" LEFT JOIN {one} ON keys.p = {one}.p"
            + "".join(f" AND keys.{name} IS NOT DISTINCT FROM {one}.{name}" for name in names)
            for one in grouped
        )
        parts = ", ".join(f"{one} AS ({text})" for one, text in grouped.items())
        return f"WITH {parts}, keys AS ({every}) SELECT {', '.join(shown)} FROM keys{joins}", names

    def _chosen(self, source: Source, grain: Grain) -> str:
        """The documents of a source, of those of a partition that are the same only the newest."""
        if not source.unique:
            return f"dim_{source.name}"
        same = ", ".join([self.label(grain), *(f"({sql(one)})" for one in source.unique)])
        rank = f"row_number() OVER (PARTITION BY {same} ORDER BY _at DESC, _id DESC)"
        return f"(SELECT * FROM dim_{source.name} AS doc QUALIFY {rank} = 1)"

    def _dimension(self, name: str) -> str:
        if name not in self.grouped and self.types[name] == "date":
            return f"strftime(CAST({name} AS DATE), '%Y-%m-%d')"
        return name

    def _shown(self, cell: Cell) -> str:
        return f"epoch_ms({cell.sql})" if cell.type == "date" else cell.sql

    def _row(self, grain: Grain, label: str, key: Document, complete: bool) -> Document:
        texts = [label]
        for name, value in key.items():
            if name in self.grouped and value is not None and value[0] != "s":
                texts.append(f"\\{value}")
            elif name in self.grouped and value is not None:
                texts.append(value[1:].replace("\\", "\\\\").replace("|", "\\p"))
            elif value is None:
                texts.append("\\N")
            elif isinstance(value, bool):
                texts.append("true" if value else "false")
            else:
                texts.append(str(value).replace("\\", "\\\\").replace("|", "\\p"))
        made: Document = {"_id": "|".join(texts)}
        for name, value in key.items():
            if value is not None and name in self.grouped:
                made[name] = {"s": str, "i": Int64, "b": "true".__eq__}[value[0]](value[1:])
                continue
            if value is not None and self.types.get(name) == "object_id":
                value = ObjectId(value)
            made[name] = Int64(value) if self.types.get(name) == "integer" and value is not None else value
        for one in self.subject.dimensions:
            if one.lookup is not None and one.name not in self.grouped:
                found = self.documents[self.names[one.name]]
                made[one.name] = None
                for document in found:
                    foreign = document.get(one.lookup.foreign)
                    if (
                        foreign is not None
                        and made[one.lookup.key] is not None
                        and foreign == made[one.lookup.key]
                    ):
                        made[one.name] = document.get(one.lookup.field)
        made["partition_date"] = label[:10]
        if grain is Grain.HOUR:
            made["partition_hour"] = label[11:]
        made["grain"] = grain.value
        made["complete"] = complete
        return made

    def _written(self, cell: Cell, value: Any, named: Mapping[str, Any]) -> Any:
        """A metric's value as rows hold it: long, double, Decimal128 without trailing zeros, a date, text."""
        if cell.type == "decimal":
            value = exact(cell, named)
            return None if value is None else Decimal128(canonical(value))
        if cell.type == "list" and value is not None:
            metric = cell.metric
            kinds = (self.types[metric.expr or ""], self.types[metric.by] if metric.by else "integer")
            pairs = special.top(value, metric.k or 0)
            return [{"value": _bson(one, kinds[0]), "n": _bson(n, kinds[1])} for one, n in pairs]
        return _bson(value, cell.type)


def _typed(value: Any) -> str | None:
    """A looked-up value as text that tells values of different types apart; of a fraction there is none."""
    if value is None or (isinstance(value, float) and not value.is_integer()):
        return None
    if isinstance(value, bool):
        return f"b{str(value).lower()}"
    return f"s{value}" if isinstance(value, str) else f"i{int(value)}"


def _bson(value: Any, type_: str) -> Any:
    """A value that SQL or Python gave, as rows hold it."""
    if value is None:
        return None
    if type_ == "integer":
        return Int64(value)
    if type_ == "number":
        return float(value)
    if type_ == "decimal":
        return Decimal128(canonical(Decimal(value)))
    if type_ == "date":
        return _instant(value)
    if type_ == "object_id":
        return ObjectId(value)
    return value

"""The aggregate queries: one a source and reach, and one of its own where values are grouped first."""

from __future__ import annotations

from dataclasses import dataclass, field

from dashpipe.compile.frame import Frame
from dashpipe.compile.plan import Leaf
from dashpipe.compile.sql.aggregates import aggregate, conditions, joined
from dashpipe.compile.sql.documents import DAY, TIME, Reader
from dashpipe.compile.sql.expression import written
from dashpipe.compile.sql.finish import finished
from dashpipe.compile.sql.looked import Looked
from dashpipe.compile.sql.names import cte, quoted, select
from dashpipe.compile.sql.spans import Spans


@dataclass(slots=True)
class Total:
    """An aggregate query while it is gathered.

    Attributes:
        name: What it is called.
        source: Its source.
        frame: What its leaves cover.
        unit: What they count.
        alone: The one leaf that has the query for itself; empty where leaves share it.
        keys: The dimensions of its groups.
        reader: How its documents are read.
        found: Those of its dimensions that are looked up.
        columns: What it computes: names and aggregates.
    """

    name: str
    source: str
    frame: Frame
    unit: str
    alone: str
    keys: tuple[str, ...]
    reader: Reader
    found: tuple[Looked, ...] = ()
    columns: list[tuple[str, str]] = field(default_factory=list)

    def add(self, leaf: Leaf, form: str, name: str) -> None:
        """Compute a leaf too.

        Raises:
            Unsayable: SQL cannot.
        """
        if leaf.options.daily is not None:
            told = form
        else:
            told = "" if self.alone else aggregate(leaf, form, self.reader)
        self.columns.append((name, told))

    @property
    def dimensions(self) -> list[str]:
        """The dimensions of its groups, as columns; what is looked up under its name."""
        found = {one.lookup.name: one.column for one in self.found}
        return [found.get(one, quoted(one)) for one in self.keys]

    def groups(self, label: tuple[str, ...], span: Spans | None) -> list[str]:
        """The columns that it groups by."""
        own = label if span is None else tuple(f"{span.name}.{one}" for one in label)
        return [*own, *self.dimensions]

    def read(self, documents: str, span: Spans | None) -> str:
        """What it reads."""
        if span is None:
            return documents + self.looked_up(documents, documents)
        joined = f"{documents}\n  JOIN {span.name} ON {span.holds(DAY, TIME)}"
        return joined + self.looked_up(documents, span.name)

    def looked_up(self, documents: str, labels: str) -> str:
        """What brings beside documents what is looked up, as of the partitions that another table has."""
        days = dict.fromkeys(one.days for one in self.found if one.days)
        told = [f"\n  JOIN {one} ON {one}.label = {labels}.partition_date" for one in days]
        return "".join([*told, *(one.join(documents) for one in self.found)])


def total(one: Total, label: tuple[str, ...], documents: str, span: Spans | None) -> str:
    """The query of leaves that share it."""
    shown = one.groups(label, span) + [f"{text} AS {name}" for name, text in one.columns]
    return cte(one.name, select(shown, one.read(documents, span)) + "\n  GROUP BY ALL")


def top(one: Total, leaf: Leaf, label: tuple[str, ...], documents: str, span: Spans | None) -> str:
    """The query of a list: values by how often they occur, or by a sum, of which the first few are kept."""
    assert leaf.expr is not None
    by = leaf.options.by
    n = "count(*)" if by is None else f"coalesce(sum({one.reader.text(by)}), 0)"
    inner = _by_value(one, leaf, label, documents, span, f"{n} AS n")
    ((name, _),) = one.columns
    made = f"list({{'value': value, 'n': n}} ORDER BY n DESC, value)[:{leaf.options.k}] AS {name}"
    shown = [*label, *(quoted(each) for each in one.keys), made]
    return cte(one.name, select(shown, inner) + "\n  GROUP BY ALL")


def held(one: Total, leaf: Leaf, label: tuple[str, ...], documents: str, span: Spans | None) -> str:
    """The query of a count of values whose own metrics satisfy a condition."""
    having = leaf.options.having
    assert having is not None
    leaves = {each.id: each for each in having.leaves}
    columns = {each.name: each for each in having.columns}

    def inline(name: str) -> str:
        made = finished(columns[name], leaves, lambda each, form: aggregate(each, form, one.reader), inline)
        return f"({made})"

    refs = dict(having.refs)
    test = written(having.test, lambda name: inline(refs[name]), one.reader.tz)
    inner = _by_value(one, leaf, label, documents, span, "", f"\n    HAVING {test}")
    ((name, _),) = one.columns
    shown = [*label, *(quoted(each) for each in one.keys), f"count(*) AS {name}"]
    return cte(one.name, select(shown, inner) + "\n  GROUP BY ALL")


def balances(one: Total, leaf: Leaf, label: tuple[str, ...], documents: str, span: Spans | None) -> str:
    """The query of balances: the first or last value of each key of its own, summed by its document's row."""
    assert leaf.expr is not None
    way = "" if leaf.kind == "firsts" else " DESC"
    groups = one.groups(label, span)
    same = [*groups[: len(label)], *(one.reader.text(each) for each in leaf.options.per)]
    order = f"{TIME}{way}, {one.reader.row}._id{way}"
    if span is not None and span.own and leaf.kind == "firsts":
        # The first of the partition, else the last of what was before it.
        mine, id_ = span.mine(DAY, TIME), f"{one.reader.row}._id"
        order = f"{mine} DESC, CASE WHEN {mine} THEN {TIME} END, CASE WHEN {mine} THEN {id_} END"
        order += f", {TIME} DESC, {id_} DESC"
    chosen = f"row_number() OVER (PARTITION BY {', '.join(same)} ORDER BY {order}) = 1"
    shown = [*groups, f"{one.reader.text(leaf.expr)} AS value"]
    tests = joined(conditions(leaf, one.reader, there=True))
    read = one.read(documents, span).replace("\n", "\n  ")
    inner = f"SELECT {', '.join(shown)}\n    FROM {read}\n    WHERE {tests}\n    QUALIFY {chosen}"
    ((name, _),) = one.columns
    columns = [*label, *(quoted(each) for each in one.keys), f"sum(value) AS {name}"]
    return cte(one.name, select(columns, f"(\n    {inner}\n  )") + "\n  GROUP BY ALL")


#: Kinds of leaves that have a query for themselves, each with what makes it.
ALONE = {"top": top, "having": held, "firsts": balances, "lasts": balances}


def _by_value(
    one: Total,
    leaf: Leaf,
    label: tuple[str, ...],
    documents: str,
    span: Spans | None,
    more: str,
    having: str = "",
) -> str:
    """The documents of a leaf grouped by its value, as a table in brackets."""
    assert leaf.expr is not None
    shown = [*one.groups(label, span), f"{one.reader.text(leaf.expr)} AS value", *([more] if more else [])]
    tests = joined(conditions(leaf, one.reader, there=True))
    read = one.read(documents, span).replace("\n", "\n  ")
    return (
        f"(\n    SELECT {', '.join(shown)}\n    FROM {read}\n    WHERE {tests}\n    GROUP BY ALL{having}\n  )"
    )

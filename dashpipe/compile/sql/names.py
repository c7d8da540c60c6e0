"""How things are called in a query: no two alike, none a word of SQL's own."""

from __future__ import annotations

import re
from collections.abc import Iterable

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

#: What DuckDB takes as a name only in quotes.
_WORDS = frozenset(
    """
    all analyse analyze and anti any array as asc asof asymmetric at authorization between bigint binary
    bit boolean both by case cast char character check coalesce collate collation column columns
    concurrently constraint create cross dec decimal default deferrable desc describe distinct do else
    end except exists extract false fetch float for foreign freeze from full generated glob group
    grouping grouping_id having ilike in initially inner inout int integer intersect interval into is
    isnull join lambda lateral leading left like limit map national natural nchar none not notnull null
    nullif numeric offset on only or order out outer overlaps overlay pivot pivot_longer pivot_wider
    placing position positional precision primary qualify real references returning right row select
    semi setof show similar smallint some struct substring summarize symmetric table tablesample then
    time timestamp to trailing treat trim true try_cast union unique unpack unpivot using values varchar
    variadic verbose when where window with xmlattributes xmlconcat xmlelement xmlexists xmlforest
    xmlnamespaces xmlparse xmlpi xmlroot xmlserialize xmltable
    """.split()  # noqa: SIM905 -- a list of a hundred quoted words is no easier to read
)


def quoted(name: str) -> str:
    """A name, in quotes where SQL would not take it bare."""
    if _PLAIN.fullmatch(name) and name.lower() not in _WORDS:
        return name
    return '"' + name.replace('"', '""') + '"'


def path(root: str, dotted: str) -> str:
    """A field at a dotted path below a row."""
    return ".".join([root, *(quoted(one) for one in dotted.split("."))])


class Names:
    """Gives names out, each once; lives as long as one query is made."""

    def __init__(self, taken: Iterable[str]) -> None:
        self.taken = {one.lower() for one in taken}

    def new(self, wanted: str) -> str:
        """A name like the one that is wanted."""
        plain = re.sub(r"[^a-z0-9]+", "_", wanted.lower()).strip("_") or "x"
        plain = plain[:60].rstrip("_")
        if plain[0].isdigit() or plain in _WORDS:
            plain = f"x_{plain}"
        made, count = plain, 1
        while made in self.taken:
            count += 1
            made = f"{plain}_{count}"
        self.taken.add(made)
        return made


def cte(name: str, query: str) -> str:
    """A named query, as it stands behind ``WITH``."""
    return f"{name} AS (\n{query}\n)"


def select(columns: list[str], source: str, how: str = "") -> str:
    """A query of columns, on one line where that can be read; ``how``: ``DISTINCT ``."""
    line = ", ".join(columns)
    if len(line) > 90:
        return f"  SELECT {how}\n    ".replace(" \n", "\n") + ",\n    ".join(columns) + f"\n  FROM {source}"
    return f"  SELECT {how}{line}\n  FROM {source}"

"""A leaf as an aggregate of SQL's over the documents of a row."""

from __future__ import annotations

from decimal import Decimal

from dashpipe.compile.plan import Leaf
from dashpipe.compile.sql.documents import TIME, Reader
from dashpipe.compile.sql.expression import Unsayable
from dashpipe.expr import FieldType

#: What a leaf is where nothing matched, as kinds of leaves have it.
ZERO = frozenset({"count", "sum", "distinct", "set", "having", "converted", "conversions"})


def conditions(leaf: Leaf, reader: Reader, *, there: bool) -> list[str]:
    """What a document must satisfy to count; ``there``: its value besides is not NULL."""
    found = [] if leaf.where is None else [reader.text(leaf.where)]
    if there and leaf.expr is not None:
        found.append(f"{_atom(reader.text(leaf.expr))} IS NOT NULL")
    return found


def joined(tests: list[str]) -> str:
    """Tests that all must hold."""
    return " AND ".join(f"({one})" if len(tests) > 1 and " OR " in one else one for one in tests)


def aggregate(leaf: Leaf, form: str, reader: Reader) -> str:
    """The aggregate of a leaf that needs no grouping by its values below that of the row.

    Args:
        leaf: The leaf.
        form: Of moments, which of them is meant; else empty.
        reader: How its documents are read.

    Raises:
        Unsayable: SQL has none such.
    """
    value = "*" if leaf.expr is None else reader.text(leaf.expr)
    ends = leaf.kind in ("first", "last")
    tests = conditions(leaf, reader, there=ends)
    only = f" FILTER (WHERE {joined(tests)})" if tests else ""
    if ends:
        way = "" if leaf.kind == "first" else " DESC"
        return f"first({value} ORDER BY {TIME}{way}, {reader.row}._id{way}){only}"
    if leaf.kind in ("set", "distinct"):
        return f"count(DISTINCT {value}){only}"
    if leaf.kind in ("discrete", "continuous", "approximate"):
        name = {"discrete": "quantile_disc", "continuous": "quantile_cont"}.get(leaf.kind, "approx_quantile")
        share, of = leaf.options.p
        if leaf.kind == "continuous" and leaf.expr is not None and leaf.expr.type is FieldType.DECIMAL:
            value = f"CAST({value} AS DOUBLE)"
        return f"{name}({value}, {format(Decimal(share) / of, 'f')}){only}"
    if leaf.kind == "moments":
        return f"{form}({value}){only}"
    if leaf.kind in ("count", "sum", "min", "max"):
        return f"{leaf.kind}({value}){only}"
    raise Unsayable(f"what is computed as `{leaf.kind}`")


def _atom(value: str) -> str:
    return value if all(one.isalnum() or one in '._"' for one in value) else f"({value})"

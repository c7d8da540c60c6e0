"""Each metric as SQL, written by hand for its type; decimals, besides, by Python's ``decimal``."""

from __future__ import annotations

import ast
import decimal
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from dashpipe.spec.model import Metric, Subject
from tests.differential import special

_DECIMAL128 = decimal.Context(prec=34, rounding=decimal.ROUND_HALF_EVEN)


# -------------------------------------------------------------------------------------------------


def sql(text: str) -> str:
    """The spec's expression as DuckDB reads it: point literals are doubles, save where they meet decimals."""
    if re.search(r"\b(price|fee)\b", text):
        return text
    return re.sub(r"(?<![\w.'])(\d+\.\d+)(?![\w.'])", r"\1e0", text)


@dataclass
class Cell:
    """A metric under further filters: its SQL over the joined row, and what it is made of.

    ``matched`` are the columns that count what its leaves matched, ``leaf`` the column of its one leaf (of an
    average: the total), ``zeros`` tests for denominators that must not be zero.
    """

    metric: Metric
    sql: str
    type: str
    matched: tuple[str, ...]
    leaf: str = ""
    parts: dict[str, Cell] = field(default_factory=dict)
    zeros: tuple[str, ...] = ()


@dataclass
class Nested:
    """A count of the values whose own metrics satisfy a condition, each over the documents of one value."""

    value: str
    conditions: list[str]
    having: str
    columns: list[str]


class Columns:
    """The aggregate columns of each source, and each metric as SQL over their names."""

    def __init__(self, subject: Subject, types: Mapping[str, str]) -> None:
        self.subject = subject
        self.types = types
        self.metrics = {one.name: one for one in subject.metrics}
        self.columns: dict[str, list[str]] = {one.name: [] for one in subject.sources}
        self.nested: dict[str, list[Nested]] = {one.name: [] for one in subject.sources}

    def aggregate(self, source: str, text: str) -> str:
        """The joined name of an aggregate of a source, computed once."""
        own = self.columns[source]
        if text not in own:
            own.append(text)
        return f"{source}_a{own.index(text)}"

    def cell(self, name: str, wheres: tuple[str, ...] = ()) -> Cell:
        """A metric under the filters that composites above it add."""
        metric = self.metrics[name]
        made = self.composite(metric, wheres) if metric.source is None else self.leaf(metric, wheres)
        matched = " OR ".join(f"coalesce({one}, 0) > 0" for one in made.matched)
        if metric.type == "ratio" and metric.on_zero == "error":
            zero = f"coalesce({made.parts['bottom'].sql} = 0, FALSE)"
            # Where nothing matched, `empty` stands and nothing is divided.
            made = replace(
                made, zeros=(*made.zeros, f"(({matched}) AND {zero})" if metric.has_empty else zero)
            )
        if metric.has_empty:
            made = replace(
                made, sql=f"(CASE WHEN {matched} THEN {made.sql} ELSE {_literal(metric, made.type)} END)"
            )
        return made

    def leaf(self, metric: Metric, wheres: tuple[str, ...]) -> Cell:
        assert metric.source is not None
        conditions = [*wheres, *([metric.where] if metric.where else [])]
        only = f" FILTER (WHERE {' AND '.join(f'({sql(one)})' for one in conditions)})" if conditions else ""
        text = None if metric.expr is None else sql(metric.expr)
        counted = self.aggregate(metric.source, f"count({text or '*'}){only}")
        if metric.type == "count":
            return Cell(metric, f"coalesce({counted}, 0)", "integer", (counted,))
        if metric.type == "count_distinct" and metric.having:
            held = self.having(metric, text or "", [sql(one) for one in conditions])
            return Cell(metric, f"coalesce({held}, 0)", "integer", (held,))
        if metric.type == "count_distinct":
            distinct = self.aggregate(metric.source, f"count(DISTINCT {text}){only}")
            most = metric.cardinality_at_most
            zeros = () if most is None else (f"coalesce({distinct}, 0) > {most}",)
            return Cell(metric, f"coalesce({distinct}, 0)", "integer", (counted,), zeros=zeros)
        type_ = self.types[metric.expr or ""]
        if metric.type in special.TYPES:
            by = None if metric.by is None else sql(metric.by)
            tests = [sql(one) for one in conditions]
            found = self.aggregate(metric.source, special.aggregate(metric, type_, text or "", tests, by))
            shown = f"coalesce({found}, [])" if metric.type == "top" else found
            made_type = special.result(metric, type_)
            if made_type == "decimal" and metric.type in ("median", "percentile"):
                found = self.aggregate(metric.source, special.every(text or "", tests))
            return Cell(metric, shown, made_type, (counted,), found)
        if metric.type == "avg":
            total = self.aggregate(metric.source, f"sum({text}){only}")
            made = f"(CASE WHEN {counted} > 0 THEN {total}::DOUBLE / {counted} END)"
            return Cell(metric, made, "decimal" if type_ == "decimal" else "number", (counted,), total)
        value = self.aggregate(metric.source, f"{metric.type}({text}){only}")
        return Cell(
            metric, f"coalesce({value}, 0)" if metric.type == "sum" else value, type_, (counted,), value
        )

    def having(self, metric: Metric, text: str, conditions: list[str]) -> str:
        """The joined name of a count of values under a condition over metrics."""
        inner = Columns(self.subject, self.types)
        inputs = {one.alias: one.metric for one in metric.inputs}
        names = dict.fromkeys(re.findall(r"[a-z]\w*", metric.having or ""))
        cells = {name: inner.cell(inputs.get(name, name)) for name in names}
        bound = ", ".join(f"({one.sql}) AS {name}" for name, one in cells.items())
        source = metric.source or ""
        made = Nested(
            text, conditions, f"(SELECT {metric.having} FROM (SELECT {bound}))", inner.columns[source]
        )
        own = self.nested[source]
        if made not in own:
            own.append(made)
        return f"{source}_h{own.index(made)}"

    def composite(self, metric: Metric, wheres: tuple[str, ...]) -> Cell:
        inner = (*wheres, metric.where) if metric.where else wheres
        if metric.type == "ratio":
            top, bottom = self.cell(metric.numerator or "", inner), self.cell(metric.denominator or "", inner)
            parts = {"top": top, "bottom": bottom}
            zero = "0" if metric.on_zero == 0 else "NULL"
            made = (
                f"(CASE WHEN {top.sql} IS NULL THEN NULL WHEN {bottom.sql} = 0 THEN {zero} "
                f"ELSE ({top.sql})::DOUBLE / ({bottom.sql})::DOUBLE END)"
            )
        else:
            inputs = {one.alias: one for one in metric.inputs}
            parts = {}
            for name in dict.fromkeys(re.findall(r"[a-z]\w*", metric.expr or "")):
                given = inputs.get(name)
                more = (*inner, given.where) if given is not None and given.where else inner
                parts[name] = self.cell(name if given is None else given.metric, more)
            bound = ", ".join(f"({one.sql})::DOUBLE AS {name}" for name, one in parts.items())
            made = f"(SELECT {sql(metric.expr or '')} FROM (SELECT {bound}))"
        return Cell(
            metric,
            made,
            "decimal" if all(one.type == "decimal" for one in parts.values()) else "number",
            tuple(dict.fromkeys(one for part in parts.values() for one in part.matched)),
            parts=parts,
            zeros=tuple(one for part in parts.values() for one in part.zeros),
        )


def _literal(metric: Metric, type_: str) -> str:
    if metric.empty is None:
        return "NULL"
    return f"{metric.empty}" if type_ in ("integer", "decimal") else f"{float(metric.empty)}::DOUBLE"


def exact(cell: Cell, row: Mapping[str, Any]) -> Decimal | None:
    """The value of a decimal metric to the last of 34 digits, from a joined row's columns."""
    metric = cell.metric
    if metric.has_empty and not any((row[one] or 0) > 0 for one in cell.matched):
        return None if metric.empty is None else Decimal(str(metric.empty))
    if metric.type == "avg":
        count = row[cell.matched[0]]
        return _DECIMAL128.divide(row[cell.leaf], Decimal(count)) if count else None
    if metric.source is not None:
        if metric.type in ("median", "percentile"):
            return special.ranked(metric, row[cell.leaf])
        value: Decimal | None = row[cell.leaf]
        return Decimal(0) if value is None and metric.type == "sum" else value
    parts = {name: exact(one, row) for name, one in cell.parts.items()}
    if metric.type == "derived":
        return _arithmetic(ast.parse(metric.expr or "", mode="eval").body, parts)
    top, bottom = parts["top"], parts["bottom"]
    if top is None or bottom is None:
        return None
    if bottom == 0:
        return Decimal(0) if metric.on_zero == 0 else None
    return _DECIMAL128.divide(top, bottom)


def leaves(cell: Cell) -> set[str]:
    """The columns that the exact value of a decimal metric is made of."""
    own = {*cell.matched, *([cell.leaf] if cell.leaf else [])}
    return own.union(*(leaves(one) for one in cell.parts.values()))


def _arithmetic(node: ast.expr, names: Mapping[str, Decimal | None]) -> Decimal | None:
    if isinstance(node, ast.Constant):
        return Decimal(str(node.value))
    if isinstance(node, ast.Name):
        return names[node.id]
    if isinstance(node, ast.UnaryOp):
        inner = _arithmetic(node.operand, names)
        return None if inner is None else _DECIMAL128.minus(inner)
    assert isinstance(node, ast.BinOp)
    left, right = _arithmetic(node.left, names), _arithmetic(node.right, names)
    if left is None or right is None or (isinstance(node.op, ast.Div) and right == 0):
        return None
    does = {ast.Add: "add", ast.Sub: "subtract", ast.Mult: "multiply", ast.Div: "divide"}[type(node.op)]
    made: Decimal = getattr(_DECIMAL128, does)(left, right)
    return made


def canonical(value: Decimal) -> Decimal:
    """A decimal in its one written form: no zeros at the end of a fraction, no exponent on a whole number.

    Zero has no sign.
    """
    if value == 0:
        return Decimal(0)
    plain = _DECIMAL128.normalize(value)
    return _DECIMAL128.quantize(plain, Decimal(1)) if plain == plain.to_integral_value() else plain

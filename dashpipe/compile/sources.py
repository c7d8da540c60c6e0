"""The source side of a plan: scopes, the types of fields, keys, and leaves with their identity."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from dashpipe import expr
from dashpipe.compile import canonical
from dashpipe.compile.errors import CompileError
from dashpipe.compile.plan import Key, Leaf
from dashpipe.expr import FieldType, Scope, Typed
from dashpipe.spec.model import Env, Metric, Source, Subject

#: What a metric's expression must be, by metric type; absent: any type.
_EXPECTED = {"sum": FieldType.NUMBER, "avg": FieldType.NUMBER}


@dataclass(frozen=True, slots=True)
class Reading:
    """How the documents of one source are read: its scope with all types fixed, its key, its own filter."""

    source: Source
    scope: Scope
    types: tuple[tuple[str, FieldType], ...]
    key: tuple[Key, ...]
    where: Typed | None
    identity: str

    def typed(self, text: str | None, expected: FieldType | None = None) -> Typed | None:
        """An expression over this source, typed; ``None`` stays ``None``."""
        return None if text is None else expr.check(expr.parse(text), self.scope, expected)

    def leaf(self, kind: str, metric: Metric | None = None, wheres: Iterable[str] = ()) -> Leaf:
        """The leaf of ``kind`` over a metric's expression, of the documents that pass all of ``wheres``."""
        text = None if metric is None else metric.expr
        value = self.typed(text, None if metric is None else _EXPECTED.get(metric.type))
        conditions = sorted(wheres)
        where = self.typed(" AND ".join(f"({one})" for one in conditions) or None, FieldType.BOOLEAN)
        parts = [self.identity, kind, _meaning(value), None if where is None else expr.to_condition(where)]
        type_ = FieldType.INTEGER if kind in ("count", "distinct") or value is None else value.type
        label = f"{kind}({text or '*'})" + (f" where {' and '.join(conditions)}" if conditions else "")
        return Leaf(
            id=f"{kind}_{canonical.digest(parts)}",
            source=self.source.name,
            kind=kind,
            expr=value,
            where=where,
            type=type_ or FieldType.STRING,
            label=label,
        )


def read(subject: Subject, source: Source, metrics: Iterable[Metric], wheres: Iterable[str]) -> Reading:
    """Fix the types of a source's fields over everything that reads them, and build its key and filter.

    Args:
        subject: The subject, whose key dimensions the source must define.
        source: The source.
        metrics: The aggregates of this source that the subject computes.
        wheres: Further filters over this source (those that composites add).

    Raises:
        CompileError: The source lacks a dimension of the key.
        expr.ExpressionErrors: An expression is wrong.
    """
    defined = {one.name: one for one in source.dimensions}
    lacking = [one.name for one in subject.key if one.name not in defined]
    if lacking:
        raise CompileError(subject.id, f"source {source.name} does not define the dimension {lacking[0]}")
    declared = {one.path: FieldType(one.type) for one in source.fields}
    dimensions = {name: expr.parse(one.expr or name) for name, one in defined.items()}
    uses: list[tuple[Any, FieldType | None]] = [(dimensions[one.name], None) for one in subject.key]
    if source.where is not None:
        uses.append((expr.parse(source.where), FieldType.BOOLEAN))
    uses += [(expr.parse(one.expr), _EXPECTED.get(one.type)) for one in metrics if one.expr is not None]
    uses += [(expr.parse(one), FieldType.BOOLEAN) for one in wheres]
    scope = Scope(fields=dict(declared), dimensions=dimensions, metrics=None, timezone=subject.timezone)
    fields = expr.infer(uses, scope)
    scope = Scope(fields=fields, dimensions=dimensions, metrics=None, timezone=subject.timezone)
    key = tuple(
        _key(subject, source, one.name, dimensions[one.name], scope) for one in sorted(subject.key, key=_name)
    )
    where = None if source.where is None else expr.check(expr.parse(source.where), scope, FieldType.BOOLEAN)
    collection: Any = source.collection
    if isinstance(collection, Env):
        collection = {"env": collection.name, "default": collection.default}
    identity = [
        [source.connection, collection, source.time.field, source.time.kind, subject.timezone],
        [[one.name, one.type.value, expr.to_agg(one.expr)] for one in key],
        None if where is None else expr.to_condition(where),
    ]
    types = tuple(sorted((path, one) for path, one in fields.items() if one is not None))
    return Reading(source, scope, types, key, where, canonical.digest(identity))


def _name(dimension: Any) -> str:
    return str(dimension.name)


def _key(subject: Subject, source: Source, name: str, parsed: Any, scope: Scope) -> Key:
    typed = expr.check(parsed, scope, None)
    if typed.type is None:
        raise CompileError(subject.id, f"nothing fixes the type of dimension {name} in source {source.name}")
    return Key(name, typed, typed.type)


def _meaning(typed: Typed | None) -> Any:
    return None if typed is None else expr.to_agg(typed)

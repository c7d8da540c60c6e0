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
from dashpipe.spec.typing import EXPECTED, Use, parse, scope_of, source_uses


@dataclass(frozen=True, slots=True)
class Reading:
    """How the documents of one source are read: its scope with all types fixed, its key, its own filter."""

    source: Source
    scope: Scope
    types: tuple[tuple[str, FieldType], ...]
    key: tuple[Key, ...]
    unique: tuple[Typed, ...]
    where: Typed | None
    identity: str

    def typed(self, text: str | None, expected: FieldType | None = None) -> Typed | None:
        """An expression over this source, typed; ``None`` stays ``None``."""
        return None if text is None else expr.check(parse(text), self.scope, expected)

    def all_of(self, conditions: list[str]) -> Typed | None:
        """The conjunction of conditions, ``None`` of none; of trees, since a text has a limit."""
        parsed = tuple(parse(one) for one in conditions)
        if not parsed:
            return None
        whole = parsed[0] if len(parsed) == 1 else expr.Expr("and", 0, 0, parsed)
        return expr.check(whole, self.scope, FieldType.BOOLEAN)

    def leaf(self, kind: str, metric: Metric | None = None, wheres: Iterable[str] = ()) -> Leaf:
        """The leaf of ``kind`` over a metric's expression, of the documents that pass all of ``wheres``."""
        text = None if metric is None else metric.expr
        value = self.typed(text, None if metric is None else EXPECTED.get(metric.type))
        conditions = sorted(wheres)
        where = self.all_of(conditions)
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


def read(subject: Subject, source: Source, metrics: Iterable[Metric], added: Iterable[Use]) -> Reading:
    """Fix the types of a source's fields over everything that reads them, and build its key and filter.

    Args:
        subject: The subject, whose key dimensions the source must define.
        source: The source.
        metrics: The aggregates of this source that the subject computes.
        added: Further filters over this source (those that composites add).

    Raises:
        CompileError: The source lacks a dimension of the key.
        expr.ExpressionErrors: An expression is wrong.
    """
    defined = {one.name for one in source.dimensions}
    lacking = [one.name for one in subject.key if one.name not in defined]
    if lacking:
        raise CompileError(subject.id, f"source {source.name} does not define the dimension {lacking[0]}")
    uses = source_uses(source, [one.name for one in subject.key], metrics, added)
    scope = scope_of(source, subject.timezone, uses)
    key = tuple(_key(subject, source, one.name, scope) for one in sorted(subject.key, key=_name))
    unique = tuple(expr.check(parse(one), scope, None) for one in sorted(source.unique))
    where = None if source.where is None else expr.check(parse(source.where), scope, FieldType.BOOLEAN)
    collection: Any = source.collection
    if isinstance(collection, Env):
        collection = {"env": collection.name, "default": collection.default}
    identity = [
        [source.connection, collection, source.time.field, source.time.kind, subject.timezone],
        [[one.name, one.type.value, expr.to_agg(one.expr)] for one in key],
        None if where is None else expr.to_condition(where),
        *([[expr.to_agg(one) for one in unique]] if unique else []),
    ]
    types = tuple(sorted((path, one) for path, one in scope.fields.items() if one is not None))
    return Reading(source, scope, types, key, unique, where, canonical.digest(identity))


def _name(dimension: Any) -> str:
    return str(dimension.name)


def _key(subject: Subject, source: Source, name: str, scope: Scope) -> Key:
    typed = expr.check(scope.dimensions[name], scope, None)
    if typed.type is None:
        raise CompileError(subject.id, f"nothing fixes the type of dimension {name} in source {source.name}")
    return Key(name, typed, typed.type)


def _meaning(typed: Typed | None) -> Any:
    return None if typed is None else expr.to_agg(typed)

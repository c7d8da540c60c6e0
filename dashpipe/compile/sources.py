"""The source side of a plan: scopes, the types of fields, keys, and leaves with their identity."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from dashpipe import expr
from dashpipe.compile import canonical
from dashpipe.compile.emit.levels import judged
from dashpipe.compile.errors import CompileError
from dashpipe.compile.frame import PLAIN, Frame
from dashpipe.compile.leaves import balances
from dashpipe.compile.plan import Having, Key, Leaf, Options
from dashpipe.expr import FieldType, Scope, Typed
from dashpipe.spec.model import Env, Metric, Source, Subject
from dashpipe.spec.mongo import refused
from dashpipe.spec.typing.parsed import parse
from dashpipe.spec.typing.scopes import scope_of
from dashpipe.spec.typing.types import expected, mongo_type, result
from dashpipe.spec.typing.units import unit_of
from dashpipe.spec.typing.uses import Use, source_uses


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

    @property
    def by_element(self) -> bool:
        """Whether a row's key depends on the elements of an array."""
        unwind = self.source.unwind
        read = frozenset[str]().union(*(expr.paths(one.expr) for one in self.key))
        return unwind is not None and any(path.split(".")[0] == unwind.alias for path in read)

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

    def leaf(
        self,
        kind: str,
        metric: Metric | None = None,
        wheres: Iterable[str] = (),
        having: Having | None = None,
        frame: Frame = PLAIN,
    ) -> Leaf:
        """The leaf of ``kind`` over a metric's expression, of those documents that pass all of ``wheres``."""
        text = None if metric is None else metric.expr or (metric.entity if kind == "retention" else None)
        value = self.typed(text, None if metric is None else expected(metric))
        if metric is not None and metric.mongo is not None:
            value = Typed("mongo", mongo_type(metric), (), json.loads(metric.mongo))
            text = metric.mongo
        conditions = sorted(wheres)
        where = self.all_of(conditions)
        unit = unit_of(self.source, metric)
        if unit is None:
            raise CompileError(self.source.name, f"{text or kind} says neither document nor element")
        parts = [self.identity, kind, _meaning(value), None if where is None else expr.to_condition(where)]
        parts += [unit] if unit else []
        options = self.options(kind, metric, value, having)
        if options != Options():
            parts.append(_told(options))
        if not frame.plain:
            parts.append(frame.meaning)
        if metric is not None and metric.period is not None:
            parts.append(metric.period.value)
        type_ = FieldType.INTEGER if kind == "count" or value is None or metric is None else (
            value.type if kind in _OF_VALUE else result(metric, value.type)
        )  # fmt: skip
        given = ", ".join([text or "*", *_said(kind, metric)])
        label = f"{kind}({given})" + (f" where {' and '.join(conditions)}" if conditions else "")
        label += "" if frame.plain else f" {frame}"
        return Leaf(
            id=f"{kind}_{canonical.digest(parts)}",
            source=self.source.name,
            kind=kind,
            expr=value,
            where=where,
            type=type_ or FieldType.STRING,
            label=label + (f" of {unit}s" if unit else ""),
            options=options,
            frame=frame,
            unit=unit,
        )

    def entities(self, leaf: Leaf) -> str:
        """What names the first days of a leaf's entities, whichever leaf follows them."""
        return f"entities_{canonical.digest([self.identity, _meaning(leaf.expr)])}"

    def options(
        self, kind: str, metric: Metric | None, value: Typed | None, having: Having | None
    ) -> Options:
        """What the kind needs of the metric beside its expression and filter."""
        if metric is None or value is None:
            return Options()
        if kind in ("discrete", "continuous", "approximate"):
            return Options(p=_share(metric.p or "0.5"))
        if kind in ("set", "distinct"):
            return Options(at_most=metric.cardinality_at_most or 0)
        if kind == "having":
            return Options(having=having)
        if kind in balances.KINDS:
            per = (self.typed(one) for one in sorted(metric.per))
            return Options(per=tuple(one for one in per if one is not None))
        if kind == "retention":
            return Options(periods=metric.periods or 0)
        if kind == "top":
            by = self.typed(metric.by, FieldType.NUMBER)
            n_type = (None if by is None else by.type) or FieldType.INTEGER
            return Options(k=metric.k or 0, by=by, listed=(value.type or FieldType.STRING, n_type))
        return Options()


def read(subject: Subject, source: Source, metrics: Sequence[Metric], added: Iterable[Use]) -> Reading:
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
    for refusal in refused(source, metrics):
        raise CompileError(subject.id, f"source {source.name}: {refusal.message}")
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
    if source.prepare:
        identity.append(["prepare", *source.prepare])
    if source.unwind is not None:
        identity.append([source.unwind.path, source.unwind.alias, source.unwind.keep_empty])
    types = tuple(sorted((path, one) for path, one in scope.fields.items() if one is not None))
    strict = {one.path for one in source.fields if one.on_type_error == "quarantine"}
    if strict:
        identity.append(["quarantine", *([path, one.value] for path, one in types if path in strict)])
    return Reading(source, scope, types, key, unique, where, canonical.digest(identity))


def _name(dimension: Any) -> str:
    return str(dimension.name)


def _key(subject: Subject, source: Source, name: str, scope: Scope) -> Key:
    typed = expr.check(scope.dimensions[name], scope, None)
    if typed.type is None:
        raise CompileError(subject.id, f"nothing fixes the type of dimension {name} in source {source.name}")
    return Key(name, typed, typed.type)


#: The kinds whose value is one of the documents'.
_OF_VALUE = ("sum", "min", "max", "first", "last", "discrete", *balances.KINDS)


def _share(text: str) -> tuple[int, int]:
    """A share of one as whole numbers, by its decimal text: 0.95 is (95, 100)."""
    digits = text.partition(".")[2]
    return int(digits or "0"), 10 ** len(digits)


def _said(kind: str, metric: Metric | None) -> Iterator[str]:
    """What a label says of a kind beside its value and its filter."""
    if metric is None:
        return
    if kind in ("discrete", "continuous", "approximate"):
        yield f"p {metric.p or '0.5'}"
    if kind == "top":
        yield f"{metric.k} by {metric.by or 'documents'}"
    if kind in balances.KINDS:
        yield f"per {', '.join(metric.per)}"
    if kind == "retention" and metric.period is not None:
        yield f"by {metric.period.value}"
    if kind == "having":
        yield f"having {metric.having}"


def _told(options: Options) -> Any:
    """Options as plain values, equal for what computes the same."""
    having = options.having
    listed = [one.value for one in options.listed]
    return [
        *(list(options.p), options.k, _meaning(options.by), listed, options.at_most),
        None if having is None else [[one.id for one in having.leaves], judged(having)],
        *([[_meaning(one) for one in options.per]] if options.per else []),
        *([options.periods] if options.periods else []),
    ]


def _meaning(typed: Typed | None) -> Any:
    return None if typed is None else expr.to_agg(typed)

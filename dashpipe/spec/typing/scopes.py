"""The scope of a source's expressions, with the types that its fields have."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from dashpipe import expr
from dashpipe.expr import FieldType, Scope
from dashpipe.spec.model import OF_SOURCE, Source, Subject
from dashpipe.spec.typing.parsed import parse
from dashpipe.spec.typing.parts import filters
from dashpipe.spec.typing.uses import Use, source_uses

_TYPES = frozenset(one.value for one in FieldType)


def scope_of(source: Source, timezone: str, uses: Iterable[Use], without: Collection[str] = ()) -> Scope:
    """The scope of a source's expressions, with the types of all fields fixed over everything that reads it.

    Args:
        source: The source.
        timezone: The subject's time zone, in which dates are read.
        uses: What reads it.
        without: Dimensions whose own expression cannot be read.

    Raises:
        expr.ExpressionErrors: Expressions do not go together, or one is wrong in itself; each error has the
        position of its use.
    """
    dimensions = {
        one.name: parse(one.expr or one.name) for one in source.dimensions if one.name not in without
    }
    declared = {one.path: FieldType(one.type) for one in source.fields if one.type in _TYPES}
    if source.unwind is not None:
        declared.setdefault(source.unwind.path, FieldType.ARRAY)
    scope = Scope(fields=declared, dimensions=dimensions, metrics=None, timezone=timezone)
    fields = expr.infer([(parse(one.text), one.expected) for one in uses], scope)
    return Scope(fields=fields, dimensions=dimensions, metrics=None, timezone=timezone)


def field_types(subject: Subject, source: Source) -> dict[str, FieldType]:
    """The fields of a source whose values are counted: those that it declares, or that are read as a type.

    Raises:
        expr.ExpressionErrors: An expression over the source is wrong.
    """
    own = [one for one in subject.metrics if one.source == source.name and one.type in OF_SOURCE]
    key = [one.name for one in subject.key]
    uses = source_uses(source, key, own, filters(subject).get(source.name, ()))
    fields = scope_of(source, subject.timezone, uses).fields
    return {path: type_ for path, type_ in fields.items() if type_ is not None}

"""Values that documents are told apart by, or that are measured: single ones, of a known type."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dashpipe import expr
from dashpipe.expr import FieldType
from dashpipe.expr.types import word
from dashpipe.lint.rule import Problem
from dashpipe.spec.typing.parsed import parse
from dashpipe.spec.typing.types import KEY_TYPES, expected, mongo_type
from dashpipe.spec.typing.uses import Use, dimension_use, entity_uses, per_uses, unique_uses

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dashpipe.lint.known import Found
    from dashpipe.lint.of_source import Typing
    from dashpipe.spec.model import Metric, Origin


def keys(work: Typing, key: list[str]) -> Iterator[Found]:
    """The dimensions of the key have a type that a key can have."""
    wanted = set(key)
    for one in work.source.dimensions:
        use = dimension_use(one)
        if one.name not in wanted or use.at in work.known.wrong:
            continue
        type_ = work.type_of(use.at)
        if type_ is None:
            work.known.wrong.add(use.at)
            text = f"nothing says which type the dimension `{one.name}` has"
            yield from untyped(work, use.at, use.text, text)
        elif type_ not in KEY_TYPES:
            work.known.wrong.add(use.at)
            if type_ is FieldType.ARRAY:
                help = "a key has one value: write an expression that gives one, such as `len(…)`"
            else:
                whole = f"{{name: {one.name}_whole, expr: CAST({use.text} AS INTEGER)}}"
                help = f"make it whole numbers or text, under a name of its own: `{whole}`"
            yield (
                "E004",
                Problem(use.at, f"`{one.name}` is {word(type_)}, which no dimension can be", help),
            )


def unique(work: Typing) -> Iterator[Found]:
    """What documents differ in is a single value of a known type."""
    for use in unique_uses(work.source):
        yield from _single(work, use, "`unique`", "documents differ in")


def _single(work: Typing, use: Use, key: str, what: str) -> Iterator[Found]:
    """Something that documents are told apart by is a single value of a known type."""
    if use.at in work.known.wrong:
        return
    type_ = work.type_of(use.at)
    if type_ is None:
        work.known.wrong.add(use.at)
        text = f"nothing says which type this value has, and {key} must know"
        yield from untyped(work, use.at, use.text, text)
    elif type_ is FieldType.ARRAY:
        work.known.wrong.add(use.at)
        help = "write an expression that gives one value, such as `len(…)`, or name another field"
        yield "E005", Problem(use.at, f"this is an array, and {what} single values", help)


def measured(work: Typing, metric: Metric) -> Iterator[Found]:
    """A metric's expression has a type that its aggregate takes."""
    for use in per_uses(metric):
        yield from _single(work, use, "`per`", "balances are of")
    for use in entity_uses(metric):
        yield from _single(work, use, "a retention", "whoever comes back is told by")
    at = metric.origin.at("expr")
    if metric.mongo is not None and metric.type != "count" and mongo_type(metric) is None:
        text = f"nothing says which type this value has, and `{metric.type}` must know"
        help = "add `mongo_type: integer`, or number, string, date, …"
        yield "E003", Problem(metric.origin.at("mongo"), text, help)
    if metric.expr is None or metric.type == "count" or expected(metric) or at in work.known.wrong:
        return
    type_ = work.type_of(at)
    if type_ is None:
        work.known.wrong.add(at)
        text = f"nothing says which type this value has, and `{metric.type}` must know"
        yield from untyped(work, at, metric.expr, text)
    elif type_ is FieldType.ARRAY:
        work.known.wrong.add(at)
        help = "its length is `len(…)`; whether it holds a value says `list_contains(…, 'a')`"
        yield "E005", Problem(at, f"this is an array, and `{metric.type}` is of single values", help)


def untyped(work: Typing, at: Origin, text: str, message: str) -> Iterator[Found]:
    """Ask for a field's type; not where one is declared, which then is wrong itself."""
    try:
        names = [one.name for one in expr.names(parse(text))]
    except expr.ExpressionErrors:
        return
    if not any(one.path in names for one in work.source.fields):
        field = names[0] if names else text
        help = f"declare it in the source: `fields: {{{field}: string}}`, or integer, boolean, date, …"
        yield "E003", Problem(at, message, help)

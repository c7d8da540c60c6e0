"""Family E of what follows an entity: it is of one type in both sources; a conversion is a number."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dashpipe.expr import FieldType
from dashpipe.expr.types import word
from dashpipe.lint import single
from dashpipe.lint.rule import Problem
from dashpipe.spec.model import JOURNEYS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from dashpipe.lint.known import Found, Known
    from dashpipe.lint.of_source import Typing
    from dashpipe.spec.model import Subject


def check(
    subject: Subject, typings: Mapping[str, Typing], types: dict[str, FieldType | None], known: Known
) -> Iterator[Found]:
    """The entity of a conversion is of one type; fills in the types of conversions."""
    for metric in subject.metrics:
        if metric.type not in JOURNEYS or metric.base is None or metric.conversion is None:
            continue
        types[metric.name] = FieldType.INTEGER if metric.measured_as == "count" else FieldType.NUMBER
        at, text = metric.origin.at("entity"), metric.entity or ""
        if at in known.wrong:
            continue
        names = (metric.base.source, metric.conversion.source)
        first, second = (typings[name].type_of(at) for name in names)
        if first is None or second is None:
            name = names[first is not None]
            known.wrong.add(at)
            yield from single.untyped(typings[name], at, text, f"nothing says which type this has in {name}")
        elif first is not second:
            known.wrong.add(at)
            said = f"`{text}` is {word(first)} in {names[0]} and {word(second)} in {names[1]}"
            yield "E014", Problem(at, said, "events meet by it: declare or cast both to one type")

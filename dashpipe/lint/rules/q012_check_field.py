"""A check of a field that is not read, or of values that it cannot hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dashpipe import expr
from dashpipe.expr import FieldType
from dashpipe.expr.types import word
from dashpipe.lint.rule import Problem, Rule
from dashpipe.spec.diagnostic import Severity
from dashpipe.spec.typing.scopes import field_types

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dashpipe.lint.view import View
    from dashpipe.spec.model import Subject

_NUMERIC = (FieldType.INTEGER, FieldType.NUMBER, FieldType.DECIMAL)


def check(subject: Subject, view: View) -> Iterator[Problem]:
    """The field of each check of values is one that its source reads, and its counts may be other than 0."""
    sources = {one.name: one for one in subject.sources}
    for one in subject.checks:
        source = sources.get(one.source or "")
        if one.field is None or source is None:
            continue
        try:
            known = field_types(subject, source)
        except expr.ExpressionErrors:
            continue  # they are told elsewhere, and leave the types open
        type_ = known.get(one.field)
        if type_ is None:
            near = view.nearest(one.field, known)
            yield Problem(
                one.origin.at("field"),
                f"the source `{source.name}` reads no field `{one.field}`",
                f"did you mean {near}?" if near else f"declare its type under `fields` of {source.name}",
            )
        elif "nan" in one.counts and type_ not in _NUMERIC:
            yield Problem(
                one.origin.at("counts"),
                f"`{one.field}` is {word(type_)}: `nan` is a number",
                "count `mistyped`: a number in this field is of another type",
            )


RULE = Rule(
    code="Q012",
    name="check-field",
    severity=Severity.ERROR,
    what="A check counts the values of a field that its source does not read, or NaN where there are no "
    "numbers.",
    why="The values of a field are counted by its type, which is declared under `fields` or follows from "
    "what reads it. Of other fields nothing is known, and the check would say nothing.",
    bad="checks:\n  - {id: a, type: values, source: orders, field: totl, counts: nan, fail: {above: 0}}",
    good="checks:\n  - {id: a, type: values, source: orders, field: total, counts: nan, fail: {above: 0}}",
    subject=check,
)

"""Family E: every expression of a subject, typed in its scope; each mistake once, at its column."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dashpipe.expr import FieldType
from dashpipe.expr.types import word
from dashpipe.lint import composites, journeys
from dashpipe.lint.known import Found, Known
from dashpipe.lint.of_source import Typing
from dashpipe.lint.rule import Problem
from dashpipe.spec.model import OF_SOURCE, Origin, Source, Subject
from dashpipe.spec.typing.parts import filters
from dashpipe.spec.typing.types import mongo_type, result
from dashpipe.spec.typing.uses import dimension_use

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dashpipe.lint.rule import At
    from dashpipe.lint.view import View


def check(subject: Subject, view: View, known: Known, model: bool = False) -> Iterator[Found]:
    """The mistakes in a subject's expressions.

    Args:
        subject: The subject; or a model, as a subject that takes all of it (``model``).
        view: The project.
        known: What earlier calls found. Models come first, so that a mistake in a model is reported there
            once.
        model: Whether it is a model.
    """
    types: dict[str, FieldType | None] = {}
    added = filters(subject)
    keys: dict[str, tuple[FieldType, Origin, str]] = {}
    works: dict[str, Typing] = {}
    for source in subject.sources:
        own = [one for one in subject.metrics if one.source == source.name and one.type in OF_SOURCE]
        work = works[source.name] = Typing(subject, source, view, known)
        yield from work.run(own, added.get(source.name, ()), model)
        for metric in own:
            value = work.type_of(metric.origin.at("expr")) if metric.mongo is None else mongo_type(metric)
            types[metric.name] = result(metric, value)
        if not model:
            yield from _agree(subject, source, work, keys)
    yield from journeys.check(subject, works, types, known)
    yield from composites.check(subject, view, types, known)
    yield from composites.empties(subject, types, known)
    yield from composites.ranges(subject, types, known)


def _agree(
    subject: Subject, source: Source, work: Typing, keys: dict[str, tuple[FieldType, Origin, str]]
) -> Iterator[Found]:
    """A dimension has one type in all sources."""
    wanted = {one.name for one in subject.key}
    for one in source.dimensions:
        use = dimension_use(one)
        type_ = work.type_of(use.at)
        if one.name not in wanted or type_ is None or use.at in work.known.wrong:
            continue
        first = keys.setdefault(one.name, (type_, use.at, source.name))
        if first[0] is not type_:
            text = f"`{one.name}` is {word(type_)} in {source.name} and {word(first[0])} in {first[2]}"
            help = "rows of the sources are joined by it: declare or cast both to one type"
            related: tuple[tuple[At, str], ...] = ((first[1], f"{word(first[0])} in {first[2]}"),)
            yield "E006", Problem(use.at, text, help, related)

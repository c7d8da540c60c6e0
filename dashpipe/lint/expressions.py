"""Family E: every expression of a subject, typed in its scope; each mistake once, at its column."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dashpipe import expr
from dashpipe.expr import FieldType, Scope
from dashpipe.expr.types import word
from dashpipe.lint import composites, journeys
from dashpipe.lint.known import Found, Known
from dashpipe.lint.rule import Problem
from dashpipe.spec.model import OF_SOURCE, Metric, Origin, Source, Subject
from dashpipe.spec.typing import (
    KEY_TYPES,
    Use,
    dimension_use,
    entity_uses,
    expected,
    filters,
    mongo_type,
    parse,
    per_uses,
    result,
    scope_of,
    source_uses,
    unique_uses,
)

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator

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


class Typing:
    """The typing of one source's expressions."""

    def __init__(self, subject: Subject, source: Source, view: View, known: Known) -> None:
        self.subject = subject
        self.source = source
        self.view = view
        self.known = known
        self.types: dict[Origin, FieldType | None] = {}
        self.texts: dict[Origin, str] = {}

    def type_of(self, at: Origin) -> FieldType | None:
        """The type of the expression at an origin, ``None`` where nothing fixes it or it is wrong."""
        return self.types[at] if at in self.types else self.known.types.get(at)

    def run(self, metrics: list[Metric], added: Iterable[Use], model: bool) -> Iterator[Found]:
        """Type all, and yield what is wrong."""
        source, known = self.source, self.known
        key = [one.name for one in self.subject.key]
        dimensions = [dimension_use(one) for one in source.dimensions]
        uses = source_uses(source, key, metrics, added)
        if source.origin.file in known.closed:
            # All that stands in the model is typed already, and no use elsewhere changes it.
            uses = [one for one in uses if one.at not in known.types]
        self.texts = {one.at: one.text for one in (*dimensions, *uses)}
        good: dict[Origin, Use] = {}
        bad: set[str] = set()
        for use, name in [
            *zip(dimensions, (one.name for one in source.dimensions)),
            *((one, "") for one in uses),
        ]:
            try:
                parse(use.text)
            except expr.ExpressionErrors as errors:
                if name:
                    bad.add(name)
                yield from self.errors("E001", use, errors.errors)
                continue
            if not name:
                good[use.at] = use
        scope = yield from self.scope(good, bad)
        yield from self.fields(good)
        for use in good.values():
            try:
                self.types[use.at] = expr.check(parse(use.text), scope, use.expected).type
            except expr.ExpressionErrors as errors:
                yield from self.errors("E002", use, errors.errors)
        yield from self.keys(key)
        yield from self.unique()
        for metric in metrics:
            yield from self.metric(metric)
        declared = {one.path for one in source.fields}
        if (
            model
            and not bad
            and scope.fields.keys() <= declared
            and not any(one in known.wrong for one in self.texts)
        ):
            known.closed.add(source.origin.file)
            known.types.update(self.types)

    def scope(self, good: dict[Origin, Use], bad: set[str]) -> Generator[Found, None, Scope]:
        """Fix the types of the fields; what does not go together with the rest is taken out of ``good``."""
        while True:
            uses = list(good.values())
            try:
                return scope_of(self.source, self.subject.timezone, uses, bad)
            except expr.ExpressionErrors as errors:
                wrong = {one.use for one in errors.errors}
                for at in sorted(wrong):
                    mine = [one for one in errors.errors if one.use == at]
                    yield from self.errors("E002", uses[at], mine)
                    good.pop(uses[at].at, None)

    def errors(self, code: str, use: Use, errors: Iterable[expr.ExpressionError]) -> Iterator[Found]:
        """The mistakes of one expression, unless they were reported."""
        if use.at in self.known.wrong:
            return
        self.known.wrong.add(use.at)
        end = -1
        for one in errors:
            # What stands right behind a mistake is most often part of it: `$gt`.
            if not one.follows and one.start != end:
                end = one.end
                yield (
                    code,
                    Problem(self.view.within(use.at, use.text, one.start, one.end), one.message, one.help),
                )

    def fields(self, good: dict[Origin, Use]) -> Iterator[Found]:
        """A name that is no declared field, and looks as if another were meant."""
        declared = {one.path for one in self.source.fields}
        known = declared | {one.name for one in self.source.dimensions}
        metrics = {one.name: one for one in self.subject.metrics}
        for use in good.values():
            for name in expr.names(parse(use.text)):
                if name.name in known or use.at in self.known.wrong:
                    continue
                at = self.view.within(use.at, use.text, name.start, name.end)
                if name.name in metrics and not name.forced:
                    self.known.wrong.add(use.at)
                    text = f"`{name.name}` is a metric, and this is over the documents of {self.source.name}"
                    help = f"write `type: derived`, or `doc.{name.name}` if the documents have such a field"
                    yield "E010", Problem(at, text, help, ((metrics[name.name].origin, "the metric"),))
                elif (near := _meant(name.name, declared)) is not None:
                    self.known.wrong.add(use.at)
                    text = f"`{name.name}` is not among the declared fields of {self.source.name}"
                    help = f"did you mean {near}? A field that is there besides is declared under `fields`"
                    yield "E011", Problem(at, text, help)
                elif self.source.file is not None and self.source.file.format == "csv":
                    self.known.wrong.add(use.at)
                    text = f"`{name.name}` is read from CSV, which holds text, and has no type"
                    help = (
                        f"declare it under `fields` of {self.source.name}: `{name.name}: string`, or a number"
                    )
                    yield "E013", Problem(at, text, help)

    def keys(self, key: list[str]) -> Iterator[Found]:
        """The dimensions of the key have a type that a key can have."""
        wanted = set(key)
        for one in self.source.dimensions:
            use = dimension_use(one)
            if one.name not in wanted or use.at in self.known.wrong:
                continue
            type_ = self.type_of(use.at)
            if type_ is None:
                self.known.wrong.add(use.at)
                text = f"nothing says which type the dimension `{one.name}` has"
                yield from self.untyped(use.at, use.text, text)
            elif type_ not in KEY_TYPES:
                self.known.wrong.add(use.at)
                if type_ is FieldType.ARRAY:
                    help = "a key has one value: write an expression that gives one, such as `len(…)`"
                else:
                    whole = f"{{name: {one.name}_whole, expr: CAST({use.text} AS INTEGER)}}"
                    help = f"make it whole numbers or text, under a name of its own: `{whole}`"
                yield (
                    "E004",
                    Problem(use.at, f"`{one.name}` is {word(type_)}, which no dimension can be", help),
                )

    def unique(self) -> Iterator[Found]:
        """What documents differ in is a single value of a known type."""
        for use in unique_uses(self.source):
            yield from self.single(use, "`unique`", "documents differ in")

    def single(self, use: Use, key: str, what: str) -> Iterator[Found]:
        """Something that documents are told apart by is a single value of a known type."""
        if use.at in self.known.wrong:
            return
        type_ = self.type_of(use.at)
        if type_ is None:
            self.known.wrong.add(use.at)
            text = f"nothing says which type this value has, and {key} must know"
            yield from self.untyped(use.at, use.text, text)
        elif type_ is FieldType.ARRAY:
            self.known.wrong.add(use.at)
            help = "write an expression that gives one value, such as `len(…)`, or name another field"
            yield "E005", Problem(use.at, f"this is an array, and {what} single values", help)

    def metric(self, metric: Metric) -> Iterator[Found]:
        """A metric's expression has a type that its aggregate takes."""
        for use in per_uses(metric):
            yield from self.single(use, "`per`", "balances are of")
        for use in entity_uses(metric):
            yield from self.single(use, "a retention", "whoever comes back is told by")
        at = metric.origin.at("expr")
        if metric.mongo is not None and metric.type != "count" and mongo_type(metric) is None:
            text = f"nothing says which type this value has, and `{metric.type}` must know"
            help = "add `mongo_type: integer`, or number, string, date, …"
            yield "E003", Problem(metric.origin.at("mongo"), text, help)
        if metric.expr is None or metric.type == "count" or expected(metric) or at in self.known.wrong:
            return
        type_ = self.type_of(at)
        if type_ is None:
            self.known.wrong.add(at)
            text = f"nothing says which type this value has, and `{metric.type}` must know"
            yield from self.untyped(at, metric.expr, text)
        elif type_ is FieldType.ARRAY:
            self.known.wrong.add(at)
            help = "its length is `len(…)`; whether it holds a value says `list_contains(…, 'a')`"
            yield "E005", Problem(at, f"this is an array, and `{metric.type}` is of single values", help)

    def untyped(self, at: Origin, text: str, message: str) -> Iterator[Found]:
        """Ask for a field's type; not where one is declared, which then is wrong itself."""
        try:
            names = [one.name for one in expr.names(parse(text))]
        except expr.ExpressionErrors:
            return
        if not any(one.path in names for one in self.source.fields):
            field = names[0] if names else text
            help = f"declare it in the source: `fields: {{{field}: string}}`, or integer, boolean, date, …"
            yield "E003", Problem(at, message, help)


def _meant(name: str, declared: set[str]) -> str | None:
    """The declared field that a name misspells by one letter."""
    if len(name) < _SHORT:
        return None
    return next((one for one in sorted(declared) if _misspelt(name, one)), None)


def _misspelt(name: str, field: str) -> bool:
    """Whether two names are one letter apart: left out, too many, another, or two in the wrong order."""
    if abs(len(name) - len(field)) > 1:
        return False
    both = enumerate(zip(name, field, strict=False))
    start = next((at for at, (a, b) in both if a != b), min(len(name), len(field)))
    a, b = name[start:], field[start:]
    if a[:1].isdigit() and b[:1].isdigit():
        return False  # another number is another field
    return a[1:] == b[1:] or a[1:] == b or a == b[1:] or (a[1::-1] == b[:2] and a[2:] == b[2:])


#: Names shorter than this are too easily one letter apart.
_SHORT = 4


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

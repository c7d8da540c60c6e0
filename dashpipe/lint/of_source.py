"""The expressions over one source: read, typed together, and what is wrong with each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dashpipe import expr
from dashpipe.expr import FieldType, Scope
from dashpipe.lint import fields, single
from dashpipe.lint.known import Found, Known
from dashpipe.lint.rule import Problem
from dashpipe.spec.model import Metric, Origin, Source, Subject
from dashpipe.spec.typing.parsed import parse
from dashpipe.spec.typing.scopes import scope_of
from dashpipe.spec.typing.uses import Use, dimension_use, source_uses

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator

    from dashpipe.lint.view import View


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
        yield from fields.undeclared(self, good)
        for use in good.values():
            try:
                self.types[use.at] = expr.check(parse(use.text), scope, use.expected).type
            except expr.ExpressionErrors as errors:
                yield from self.errors("E002", use, errors.errors)
        yield from single.keys(self, key)
        yield from single.unique(self)
        for metric in metrics:
            yield from single.measured(self, metric)
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

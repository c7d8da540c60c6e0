"""What rules see of a project beside the subject that they look at."""

from __future__ import annotations

from datetime import date, datetime, timezone
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from dashpipe.lint.cron import CronError, parse
from dashpipe.lint.rule import At, Place
from dashpipe.spec.model import Metric, Origin, Source, Subject
from dashpipe.spec.naming import base_id
from dashpipe.spec.node import Map, Node, Scalar
from dashpipe.spec.typing.parts import over_metrics, refs

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from dashpipe.spec.diagnostic import Span
    from dashpipe.spec.project import Project


class Use(NamedTuple):
    """A metric that a composite is made of, and where the composite names it."""

    metric: str
    view: View
    origin: Origin
    text: str | None = None
    start: int = 0
    end: int = 0

    @property
    def at(self) -> At:
        """Where the composite names it; worked out for findings only."""
        if self.text is None:
            return self.origin
        return self.view.within(self.origin, self.text, self.start, self.end)


class View:
    """The project, as rules ask about it."""

    def __init__(
        self,
        project: Project,
        subjects: Iterable[Subject],
        today: date | None = None,
        models: Iterable[Subject] = (),
    ) -> None:
        """A view of a project, with these subjects, on this day (default: the day in UTC).

        ``models`` are the project's models, each as a subject that takes all of it.
        """
        self.project = project
        self.subjects = tuple(subjects)
        self.models = tuple(models)
        self.today = today or datetime.now(tz=timezone.utc).date()
        self._uses: dict[int, tuple[Metric, list[Use]]] = {}
        self._often: dict[str, int] = {}

    @property
    def allowed_env(self) -> tuple[str, ...]:
        """The patterns of environment variables that specs may read."""
        return tuple(self.project.config.allow.env)

    @cached_property
    def bases(self) -> dict[str, list[Subject]]:
        """The subjects by their id without the version."""
        found: dict[str, list[Subject]] = {}
        for one in self.subjects:
            found.setdefault(base_id(one), []).append(one)
        return found

    @cached_property
    def sources(self) -> tuple[Source, ...]:
        """Each model and each source that a subject defines itself, once."""
        every = (source for one in (*self.models, *self.subjects) for source in one.sources)
        return tuple({one.origin: one for one in every}.values())

    def env_names(self) -> Iterator[tuple[str, Origin]]:
        """The environment variables that specs read, each with its place."""
        for file in self.project.files:
            if "env" in file.text and file.node is not None:
                for value, path in _scalars(file.node):
                    if path[-1:] == ("env",) and isinstance(value.value, str):
                        yield value.value, Origin(file.path, path)

    def texts(self, signs: Iterable[str]) -> Iterator[tuple[str, Origin]]:
        """The texts of the specs in whose files one of these stands, each with its place."""
        signs = tuple(signs)
        for file in self.project.files:
            if file.node is not None and any(one in file.text for one in signs):
                for value, path in _scalars(file.node):
                    if isinstance(value.value, str):
                        yield value.value, Origin(file.path, path)

    def nearest(self, word: str, known: Iterable[str]) -> str | None:
        """The known word that was most likely meant, ``None`` where none is near."""
        from dashpipe.expr.errors import nearest

        return nearest(word, known)

    def times_a_day(self, subject: Subject) -> int:
        """How often a subject runs on a day on which it runs; 0 without a schedule of its own."""
        cron = None if subject.schedule is None else subject.schedule.cron
        if cron is None:
            return 0
        if cron not in self._often:
            try:
                self._often[cron] = parse(cron).times_a_day
            except CronError:
                self._often[cron] = 0
        return self._often[cron]

    def uses(self, metric: Metric) -> list[Use]:
        """The metrics that a composite is made of, or `having` asks for, in the order of its text."""
        found = self._uses.get(id(metric))
        if found is None:
            found = self._uses[id(metric)] = (metric, list(self._parts(metric)))
        return found[1]

    def _parts(self, metric: Metric) -> Iterator[Use]:
        sides = (("numerator", metric.numerator), ("denominator", metric.denominator))
        for key, name in (*sides, ("metric", metric.metric)):
            if name is not None:
                yield Use(name, self, metric.origin.at(key))
        given = over_metrics(metric)
        if given is None:
            return
        key, text = given
        inputs = {one.alias: one for one in metric.inputs}
        for name, ref in refs(metric).items():
            other = inputs.get(name)
            yield Use(
                name if other is None else other.metric,
                self,
                metric.origin.at(key),
                text,
                ref.start,
                ref.end,
            )

    def within(self, at: Origin, text: str, start: int, end: int) -> Place:
        """The place of a part of a value's text (``text`` is that value, as the model has it)."""
        from dashpipe.spec.place import part_span

        return Place(at.file, part_span(self.project, at, start, min(end, len(text))), at.path)

    def placed(self, at: At) -> At:
        """A place, in ``dashpipe.toml`` where a value is a default of the settings."""
        return at if isinstance(at, Place) else self.project.placed(at)

    def span(self, at: At, on_key: bool = False) -> Span:
        """The span of a place."""
        return at.span if isinstance(at, Place) else self.project.span(at, on_key)


def _scalars(node: Node) -> Iterator[tuple[Scalar, tuple[str | int, ...]]]:
    """Each single value with its key path, in the order of the file."""
    stack: list[tuple[Node, tuple[str | int, ...]]] = [(node, ())]
    while stack:
        one, path = stack.pop()
        if isinstance(one, Scalar):
            yield one, path
        elif isinstance(one, Map):
            stack += [(entry.value, (*path, entry.name)) for entry in reversed(one.entries)]
        else:
            stack += [(item, (*path, index)) for index, item in reversed(list(enumerate(one.items)))]

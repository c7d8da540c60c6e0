"""The metrics of a subject: taken from sources, defined in it, and the hidden parts of composites."""

from __future__ import annotations

from dataclasses import replace

from dashpipe.spec.build import Draft
from dashpipe.spec.issue import Issue, meant
from dashpipe.spec.model import COMPOSITES, JOURNEYS, OF_SOURCE, Input, Metric, Origin, Source
from dashpipe.spec.parts import Take
from dashpipe.spec.typing.parts import refs


def resolve_metrics(
    draft: Draft, sources: tuple[Source, ...], complete: bool
) -> tuple[tuple[Metric, ...], list[Issue]]:
    """All that a subject computes, each name final.

    Args:
        draft: The subject as its file says it.
        sources: Its sources, with their own metrics.
        complete: Whether all its sources are known whole; where not, a name that is not found is not
            reported.

    Returns:
        The metrics in the spec's order, then the hidden ones; what is wrong. A metric whose name could not
        be resolved stands there with an empty type, so that what names it is not wrong too.
    """
    table = _Table(draft, sources, complete)
    listed = [table.listed(one) for one in draft.metrics]
    made = [table.made(metric, scope) for metric, scope in listed]
    return (*made, *table.hidden), table.issues


class _Table:
    """The names of one subject's metrics while they are resolved."""

    def __init__(self, draft: Draft, sources: tuple[Source, ...], complete: bool) -> None:
        self.sources = {one.name: one for one in sources}
        self.complete = complete
        self.issues: list[Issue] = []
        self.hidden: list[Metric] = []
        self.dimensions = {one.name for one in draft.dimensions}
        self.names: dict[str, Origin] = {}  # those that the list gives
        self.given: set[str] = set()  # those that hidden parts got
        self.taken: dict[tuple[str, str], str] = {}
        self.defined: dict[str, list[tuple[Source, Metric]]] = {}
        for source in sources:
            for metric in source.metrics:
                self.defined.setdefault(metric.name, []).append((source, metric))

    def listed(self, one: Metric | Take) -> tuple[Metric, Source | None]:
        """A metric of the list under its final name, and the source whose names it uses, if any."""
        name = one.final if isinstance(one, Take) else one.name
        at = one.origin.at("as" if isinstance(one, Take) and one.alias else "name")
        if name in self.names:
            taken = isinstance(one, Take)
            help = "leave one out, or give it another name" + (" with `{metric: …, as: …}`" if taken else "")
            self.issues.append(
                Issue(
                    "N006",
                    at,
                    f"there is a metric `{name}` already",
                    help,
                    ((self.names[name], "the first one"),),
                )
            )
        else:
            self.names[name] = at
        if isinstance(one, Metric):
            return self.placed(one), None
        found = self.find(one.name, one.source, one.origin.at("metric"))
        if found is None:
            return Metric(name=name, type="", hidden=one.hidden, origin=one.origin), None
        source, metric = found
        self.taken.setdefault((source.name, metric.name), name)
        own = source.name if metric.type in OF_SOURCE else None
        made = replace(metric, name=name, source=own, hidden=one.hidden)
        return (self.followed(made) if made.type in JOURNEYS else made), source

    def placed(self, metric: Metric) -> Metric:
        """A metric that the subject defines, with its source where only one is meant."""
        if metric.type in JOURNEYS:
            return self.followed(metric)
        if metric.type not in OF_SOURCE:
            return metric
        names = list(self.sources)
        if metric.source is not None:
            if metric.source not in self.sources and self.complete:
                help = meant(metric.source, names, "name one of the subject's `sources`")
                text = f"this subject has no source `{metric.source}`"
                self.issues.append(Issue("N005", metric.origin.at("source"), text, help))
            return metric if metric.source in self.sources else replace(metric, type="", source=None)
        if len(names) == 1:
            return replace(metric, source=names[0])
        if names:
            text = f"`{metric.name}` does not say which source it counts" if metric.type == "count" else ""
            text = text or f"`{metric.name}` does not say of which source it is"
            self.issues.append(
                Issue("N008", metric.origin, text, f"write `source:` with one of: {', '.join(names)}")
            )
        return replace(metric, type="")

    def followed(self, metric: Metric) -> Metric:
        """A metric that follows an entity between sources of this subject."""
        good = True
        for one in (metric.base, metric.conversion):
            if one is not None and one.source not in self.sources and self.complete:
                help = meant(one.source, list(self.sources), "name one of the subject's `sources`")
                self.issues.append(
                    Issue("N005", one.origin, f"this subject has no source `{one.source}`", help)
                )
                good = False
        return metric if good else replace(metric, type="")

    def find(
        self, name: str, source: str | None, at: Origin, part: tuple[int, int] | None = None
    ) -> tuple[Source, Metric] | None:
        """The metric of a source that a name means; reports where there is none, or more than one."""
        found = self.defined.get(name, [])
        if source is not None:
            if source not in self.sources:
                if self.complete:
                    text = f"this subject has no source `{source}`"
                    help = meant(source, list(self.sources), "name one of the subject's `sources`")
                    self.issues.append(Issue("N005", at, text, help, part=part))
                return None
            found = [one for one in found if one[0].name == source]
        if len(found) == 1:
            return found[0]
        if found:
            several = " and ".join(one.name for one, _ in found)
            ways = " or ".join(
                f"{{metric: {one.name}.{name}, as: {one.name}_{name}}}" for one, _ in found[:2]
            )
            places = tuple((metric.origin.at("name"), f"the one of {one.name}") for one, metric in found)
            text = f"`{name}` is a metric of {several}"
            self.issues.append(Issue("N007", at, text, f"list it as {ways}", places, part))
        elif self.complete:
            known = [one for one in dict.fromkeys([*self.names, *self.defined]) if one != name]
            if source is not None:
                known = [one.name for one in self.sources[source].metrics]
            self.issues.append(self.unknown(name, known, at, part))
        return None

    def unknown(self, name: str, known: list[str], at: Origin, part: tuple[int, int] | None) -> Issue:
        """No such metric; says so in other words where the name is something else."""
        for source in self.sources.values():
            field = next((one for one in source.fields if one.path == name), None)
            if field is not None:
                text = f"`{name}` is a field of the documents of {source.name}, no metric"
                help = f"define a metric over it: {{name: …, source: {source.name}, type: sum, expr: {name}}}"
                return Issue("N002", at, text, help, ((field.origin, "the field"),), part)
        if name in self.dimensions:
            text = f"`{name}` is a dimension, no metric"
            return Issue("N002", at, text, "a metric has a type: `{name: …, type: count}`", part=part)
        help = meant(name, known, "define it: `{name: …, type: count}`")
        return Issue("N002", at, f"there is no metric `{name}`", help, part=part)

    def made(self, metric: Metric, scope: Source | None) -> Metric:
        """A metric with the final names of those that it is made of; any other as it is."""
        if metric.type not in COMPOSITES and metric.having is None:
            return metric
        at = metric.origin
        if metric.type == "ratio":
            return replace(
                metric,
                numerator=self.part(metric.numerator, scope, at.at("numerator")),
                denominator=self.part(metric.denominator, scope, at.at("denominator")),
            )
        if metric.type in ("cumulative", "share"):
            return replace(metric, metric=self.part(metric.metric, scope, at.at("metric")))
        inputs: dict[str, Input] = {}
        for one in metric.inputs:
            if one.alias in inputs:
                text, first = f"there is an input `{one.alias}` already", inputs[one.alias].origin.at("as")
                help = "give each input a name of its own with `as:`"
                self.issues.append(
                    Issue("N006", one.origin.at("as"), text, help, ((first, "the first one"),))
                )
                continue
            name = self.part(one.metric, scope, one.origin.at("metric"))
            inputs[one.alias] = replace(one, metric=name or one.metric)
        key = "expr" if metric.having is None else "having"
        for ref in refs(metric).values():
            if ref.name not in inputs:
                name = self.part(ref.name, scope, at.at(key), (ref.start, ref.end))
                if name is not None and name != ref.name:
                    inputs[ref.name] = Input(name, ref.name, origin=at)
        return replace(metric, inputs=tuple(inputs.values()))

    def part(
        self, name: str | None, scope: Source | None, at: Origin, place: tuple[int, int] | None = None
    ) -> str | None:
        """The final name of a metric that a composite names; it is hidden where the list lacks it."""
        if name is None:
            return None
        if scope is None and name in self.names:
            return name
        source, dot, own = name.rpartition(".")
        if scope is None:
            found = self.find(own, source if dot else None, at, place)
        else:
            found = next(((scope, one) for one in scope.metrics if one.name == name), None)
            if found is None and self.complete:
                known = [one.name for one in scope.metrics]
                self.issues.append(self.unknown(name, known, at, place))
        return name if found is None else self.pull(*found)

    def pull(self, source: Source, metric: Metric) -> str:
        """The name of a source's metric in this subject, hidden unless it is listed."""
        key = (source.name, metric.name)
        if key not in self.taken:
            free = not any(metric.name in one for one in (self.names, self.given, self.dimensions))
            name = metric.name if free else f"{source.name}.{metric.name}"
            self.taken[key] = name
            self.given.add(name)
            own = source.name if metric.type in OF_SOURCE else None
            at = len(self.hidden)
            self.hidden.append(metric)  # its place is kept: its own parts come after it
            self.hidden[at] = self.made(replace(metric, name=name, source=own, hidden=True), source)
        return self.taken[key]

"""Which cumulative metrics would be counted from kept values, if their source were `incremental`.

All that a source's rows of a grain reach back to comes from what is stored, or all of it from the source.
"""

from __future__ import annotations

from collections.abc import Iterator

from dashpipe.spec.kept import refusal
from dashpipe.spec.model import AGGREGATES, COHORTS, Grain, Metric, Source, Subject
from dashpipe.spec.nesting import ORDER
from dashpipe.spec.typing.parts import parts_of
from dashpipe.spec.typing.types import by_value

#: About so many days are in one of a unit.
_DAYS = {"hour": 1 / 24, "day": 1, "week": 7, "month": 30, "quarter": 91, "year": 365}

#: Shorter windows read little beside what each run computes anyway.
_LONG = 7


def gaining(subject: Subject, source: Source) -> list[Metric]:
    """The long cumulative metrics of distinct counts that kept values of a source would serve."""
    if source.incremental or source.unique or subject.hidden_keys:
        return []
    gains: list[Metric] = []
    for grain in subject.grains:
        reached = list(_reaching(subject, source, grain))
        if not _stored(subject, source, grain, reached):
            continue
        gains += [
            one
            for one, leaf in reached
            if leaf.type == "count_distinct" and one.type == "cumulative" and _long(one)
        ]
    return [one for one in subject.metrics if one in gains]


def _reaching(subject: Subject, source: Source, grain: Grain) -> Iterator[tuple[Metric, Metric]]:
    """The metrics of a grain that reach back over a source, each with an aggregate that it is made of."""
    metrics = {one.name: one for one in subject.metrics}
    for one in subject.metrics:
        if one.grains is not None and grain not in one.grains:
            continue
        if one.type == "cumulative":
            names = [one.metric or ""]
        else:
            names = [given.metric for given in one.inputs if given.offset is not None]
        if one.carry is not None or one.type in COHORTS:
            names.append(one.name)
        yield from ((one, leaf) for leaf in _leaves(metrics, names) if leaf.source == source.name)


def _leaves(metrics: dict[str, Metric], names: list[str]) -> Iterator[Metric]:
    """The aggregates that some metrics are made of."""
    waiting, seen = list(names), set[str]()
    while waiting:
        name = waiting.pop()
        found = metrics.get(name)
        if found is None or name in seen:
            continue
        seen.add(name)
        if found.type in (*AGGREGATES, *COHORTS):
            yield found
        else:
            waiting += [part for part, _ in parts_of(found)]


def _stored(subject: Subject, source: Source, grain: Grain, reached: list[tuple[Metric, Metric]]) -> bool:
    """Whether all that rows of a grain reach back to is stored, once values are kept."""
    finest = next(one for one in ORDER if one in subject.grains)
    atoms = {_atom(one, grain) for one, _ in reached}
    if len(atoms) != 1 or not atoms <= set(subject.grains):
        return False
    for one, leaf in reached:
        counted = leaf.type == "count_distinct" and refusal(subject, source, leaf) is None
        always = leaf.per and one.carry == "always"
        if not counted and not always and (by_value(leaf) is not None or leaf.type in COHORTS):
            return False
    return finest in (Grain.HOUR, Grain.DAY)


def _atom(metric: Metric, grain: Grain) -> Grain:
    """The partitions that what a metric reaches back to is made of."""
    hours = metric.window is not None and metric.window.unit == "hour"
    return Grain.HOUR if hours or grain is Grain.HOUR else Grain.DAY


def _long(metric: Metric) -> bool:
    window = metric.window
    return window is None or window.n * _DAYS[window.unit] >= _LONG

"""Of which distinct counts the values are kept (`incremental: true`), and why of another they are not.

They serve longer grains, and what is cumulative or looks back by an offset.
"""

from __future__ import annotations

from dashpipe import expr
from dashpipe.expr import FieldType
from dashpipe.spec.model import COMPOSITES, OF_SOURCE, Grain, Metric, Source, Subject
from dashpipe.spec.nesting import ORDER, finer
from dashpipe.spec.typing.parsed import parse
from dashpipe.spec.typing.parts import filters, parts_of
from dashpipe.spec.typing.scopes import scope_of
from dashpipe.spec.typing.uses import source_uses

#: The types whose text is the same on every server: it tells kept values apart.
TEXTUAL = (FieldType.STRING, FieldType.INTEGER, FieldType.BOOLEAN, FieldType.OBJECT_ID)


def refusal(subject: Subject, source: Source, metric: Metric) -> str | None:
    """Why a distinct count is read from documents at longer grains and over days; ``None``: it is not.

    What is wrong with its expression is said elsewhere, and is no reason.
    """
    finest = next(one for one in ORDER if one in subject.grains)
    wanted = subject.grains if metric.grains is None else metric.grains
    longer = [one for one in subject.grains if one in wanted and one is not finest]
    if not _reached(subject, metric.name, finest):
        if finest not in wanted:
            return f"it has no grain {finest.value}, the finest, of whose partitions values are kept"
        if not any(finest in finer(one, subject.grains) for one in longer):
            return f"no longer grain is made of those of a {finest.value}, and nothing reaches back over them"
    if subject.hidden_keys:
        return "rows are grouped by what is looked up, and each run looks it up anew"
    if source.unique:
        return "of a source with `unique`, the newest document of a day is not that of its month"
    if metric.cardinality_at_most is not None:
        return "with `cardinality_at_most` it is counted as a set, which is not kept"
    type_ = _type(subject, source, metric)
    if type_ is not None and type_ not in TEXTUAL:
        return f"its values are of type {type_.value}: only texts, integers, booleans and ids are kept"
    return None


def distincts(subject: Subject, source: Source) -> list[Metric]:
    """The distinct counts of a source, also those that only others are made of."""
    return [one for one in subject.metrics if one.type == "count_distinct" and one.source == source.name]


def _reached(subject: Subject, name: str, finest: Grain) -> bool:
    """Whether a metric is read over days (or hours) that the finest grain keeps values of."""
    if finest not in (Grain.HOUR, Grain.DAY):
        return False
    metrics = {one.name: one for one in subject.metrics}
    waiting: list[str | None] = []
    for one in subject.metrics:
        by_hour = one.window is not None and one.window.unit == "hour" and finest is Grain.DAY
        if one.type == "cumulative" and not by_hour:
            waiting.append(one.metric)
        waiting += [given.metric for given in one.inputs if given.offset is not None]
    seen: set[str] = set()
    while waiting:
        at = waiting.pop()
        if at is not None and at in metrics and at not in seen:
            seen.add(at)
            waiting += [part for part, _ in parts_of(metrics[at])] if metrics[at].type in COMPOSITES else []
    return name in seen


def _type(subject: Subject, source: Source, metric: Metric) -> FieldType | None:
    own = [one for one in subject.metrics if one.type in OF_SOURCE and one.source == source.name]
    try:
        uses = source_uses(
            source, [one.name for one in subject.key], own, filters(subject).get(source.name, ())
        )
        scope = scope_of(source, subject.timezone, uses)
        return expr.check(parse(metric.expr or ""), scope, None).type
    except expr.ExpressionErrors:
        return None

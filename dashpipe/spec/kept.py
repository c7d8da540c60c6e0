"""Of which distinct counts the values are kept (`incremental: true`), and why of another they are not."""

from __future__ import annotations

from dashpipe import expr
from dashpipe.expr import FieldType
from dashpipe.spec.model import OF_SOURCE, Metric, Source, Subject
from dashpipe.spec.nesting import ORDER, finer
from dashpipe.spec.typing.parsed import parse
from dashpipe.spec.typing.parts import filters
from dashpipe.spec.typing.scopes import scope_of
from dashpipe.spec.typing.uses import source_uses

#: The types whose text is the same on every server: it tells kept values apart.
TEXTUAL = (FieldType.STRING, FieldType.INTEGER, FieldType.BOOLEAN, FieldType.OBJECT_ID)


def refusal(subject: Subject, source: Source, metric: Metric) -> str | None:
    """Why a distinct count of the source is read from its documents at longer grains; ``None``: it is not.

    What is wrong with its expression is said elsewhere, and is no reason.
    """
    finest = next(one for one in ORDER if one in subject.grains)
    wanted = subject.grains if metric.grains is None else metric.grains
    longer = [one for one in subject.grains if one in wanted and one is not finest]
    if finest not in wanted:
        return f"it has no grain {finest.value}, the finest, of whose partitions values are kept"
    if not any(finest in finer(one, subject.grains) for one in longer):
        return f"no longer grain is made of those of a {finest.value}"
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

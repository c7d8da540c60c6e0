"""What a composite metric is made of, and the filters that it adds to its parts."""

from __future__ import annotations

from dashpipe import expr
from dashpipe.spec.model import AGGREGATES, COMPOSITES, Metric, Subject
from dashpipe.spec.typing.parsed import parse
from dashpipe.spec.typing.uses import Use, journey_uses, where_use


def over_metrics(metric: Metric) -> tuple[str, str] | None:
    """The key and the text of a metric's expression over other metrics, ``None`` where it has none."""
    if metric.having is not None:
        return "having", metric.having
    # One of a type that there is not may have been meant as a derived metric.
    return None if metric.type in AGGREGATES or metric.expr is None else ("expr", metric.expr)


def refs(metric: Metric) -> dict[str, expr.Name]:
    """The metrics that an expression over metrics names, each at its first place; none where it is none."""
    given = over_metrics(metric)
    if given is None:
        return {}
    try:
        found = expr.names(parse(given[1]))
    except expr.ExpressionErrors:
        return {}
    return {one.name: one for one in reversed(found)}


def parts_of(metric: Metric) -> list[tuple[str, Use | None]]:
    """The metrics that a composite is made of, each with the filter that the composite's input adds."""
    if metric.type == "ratio":
        return [(one, None) for one in (metric.numerator, metric.denominator) if one is not None]
    if metric.type in ("cumulative", "share"):
        return [] if metric.metric is None else [(metric.metric, None)]
    inputs = {one.alias: one for one in metric.inputs}
    found: list[tuple[str, Use | None]] = []
    for name in refs(metric):
        given = inputs.get(name)
        where = None if given is None or given.where is None else where_use(given.where, given.origin)
        found.append((name if given is None else given.metric, where))
    return found


def filters(subject: Subject) -> dict[str, list[Use]]:
    """What reads a source besides: filters that composites add to their parts, and events; each text once."""
    metrics = {one.name: one for one in subject.metrics}
    found: dict[str, dict[str, Use]] = {}
    seen: set[tuple[str, tuple[str, ...]]] = set()
    stack: list[tuple[str, tuple[Use, ...]]] = [(one.name, ()) for one in subject.metrics]
    while stack:
        name, wheres = stack.pop()
        metric = metrics.get(name)
        step = (name, tuple(one.text for one in wheres))
        # A metric that is made of itself grows its filters without end; lint says so elsewhere.
        if metric is None or step in seen or len(wheres) > len(metrics):
            continue
        seen.add(step)
        if metric.type not in COMPOSITES:
            sides = (one.source for one in (metric.base, metric.conversion) if one is not None)
            for source in (metric.source, *sides) if wheres else ():
                if source is not None:
                    texts = found.setdefault(source, {})
                    for one in wheres:
                        texts.setdefault(one.text, one)
            continue
        inner = wheres if metric.where is None else (*wheres, where_use(metric.where, metric.origin))
        stack += [(part, _more(inner, where)) for part, where in parts_of(metric)]
    for metric in subject.metrics:
        for events, use in journey_uses(metric):
            found.setdefault(events.source, {}).setdefault(use.text, use)
    return {source: [texts[text] for text in sorted(texts)] for source, texts in found.items()}


def _more(wheres: tuple[Use, ...], where: Use | None) -> tuple[Use, ...]:
    if where is None or any(one.text == where.text for one in wheres):
        return wheres
    return (*wheres, where)

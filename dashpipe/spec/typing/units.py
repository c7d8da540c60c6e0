"""Whether an expression over a source is of its documents, or of the elements of its array."""

from __future__ import annotations

import json

from dashpipe import expr
from dashpipe.spec.model import Metric, Source
from dashpipe.spec.typing.parsed import parse


def reads_elements(source: Source, text: str) -> bool:
    """Whether an expression over a source reads the elements of its array, itself or by a dimension."""
    if source.unwind is None:
        return False
    dimensions = {one.name: one.expr or one.name for one in source.dimensions}
    waiting, seen = [text], {text}
    while waiting:
        try:
            found = expr.names(parse(waiting.pop()))
        except expr.ExpressionErrors:
            continue
        for one in found:
            if one.name in dimensions and not one.forced:
                more = dimensions[one.name]
                if more not in seen:
                    seen.add(more)
                    waiting.append(more)
            if one.name.split(".")[0] == source.unwind.alias:
                return True
    return False


def unit_of(source: Source, metric: Metric | None) -> str | None:
    """What an aggregate counts, and the presence of a row (no metric): documents or elements.

    Returns:
        ``document`` or ``element``, empty in a source without an array that is taken apart; ``None`` where
        the metric does not say it.
    """
    if source.unwind is None:
        return ""
    if metric is None:
        return "document"
    if metric.counts is not None:
        return metric.counts
    alias = source.unwind.alias
    if metric.mongo is not None and any(
        one.split(".")[0] == alias for one in expr.raw_paths(json.loads(metric.mongo))
    ):
        return "element"
    texts = (one for one in (metric.expr, metric.where, metric.by, *metric.per) if one is not None)
    return "element" if any(reads_elements(source, one) for one in texts) else None

"""Documents and elements that could be confused."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dashpipe.lint.rule import Problem, Rule
from dashpipe.spec.diagnostic import Severity
from dashpipe.spec.model import AGGREGATES, COMPOSITES
from dashpipe.spec.typing.parts import parts_of
from dashpipe.spec.typing.units import reads_elements, unit_of
from dashpipe.spec.typing.uses import unique_uses

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dashpipe.lint.view import View
    from dashpipe.spec.model import Metric, Origin, Source, Subject


def check(view: View) -> Iterator[Problem]:
    """In a source whose array is taken apart each metric is of documents or of elements, and says which."""
    for source in view.sources:
        for use in unique_uses(source):
            if reads_elements(source, use.text):
                yield Problem(
                    use.at,
                    "`unique` is decided before the array is taken apart, and this reads its elements",
                    "name fields of the document",
                )
    for subject in (*view.models, *view.subjects):
        sources = {one.name: one for one in subject.sources}
        for metric in subject.metrics:
            if metric.type in AGGREGATES and metric.source in sources:
                yield from _aggregate(metric, sources[metric.source])
                yield from _having(metric, subject, sources[metric.source])
            elif metric.type in COMPOSITES:
                yield from _composite(metric, subject, sources)
                yield from _share(metric, subject, sources)


def _aggregate(metric: Metric, source: Source) -> Iterator[Problem]:
    if source.unwind is None:
        if metric.counts is not None:
            text = "this source has no `unwind`: all its metrics are of documents"
            yield Problem(metric.origin.at("of"), text, "take it out", on_key=True)
        return
    if unit_of(source, metric) is None:
        yield Problem(
            metric.origin.at("name"),
            "this reads no element, and does not say whether it is of documents or of elements",
            "write `of: document` for each document once in a row, or `of: element` for once for each "
            f"`{source.unwind.alias}`",
            ((source.origin.at("unwind"), "the array that is taken apart"),),
        )
    elif metric.counts == "document":
        for key, read in (("expr", metric.expr), ("where", metric.where), ("by", metric.by)):
            if read is not None and reads_elements(source, read):
                yield Problem(
                    metric.origin.at(key),
                    "this reads elements, and `of: document` takes each document once, whatever it holds",
                    "take `of` out, or read fields of the document",
                )


def _having(metric: Metric, subject: Subject, source: Source) -> Iterator[Problem]:
    """The metrics in a condition over values count what the distinct count does."""
    unit = unit_of(source, metric)
    if metric.having is None or not unit:
        return
    known = {one.name: one for one in subject.metrics}
    for name, _ in parts_of(metric):
        other = known.get(name)
        if other is not None and unit_of(source, other) not in (unit, None):
            yield Problem(
                metric.origin.at("having"),
                f"`{name}` counts {unit_of(source, other)}s, and this is a distinct count of {unit}s",
                f"name a metric of {unit}s",
                ((other.origin.at("name"), "the metric"),),
            )


def _composite(metric: Metric, subject: Subject, sources: dict[str, Source]) -> Iterator[Problem]:
    known = {one.name: one for one in subject.metrics}
    inputs = [(one.where, one.origin.at("where"), [one.metric]) for one in metric.inputs]
    own: tuple[str | None, Origin, list[str]]
    own = (metric.where, metric.origin.at("where"), [name for name, _ in parts_of(metric)])
    for where, at, names in (own, *inputs):
        if where is None:
            continue
        of_documents = (
            one
            for one in _leaves(names, known)
            if one.counts == "document"
            and one.source in sources
            and reads_elements(sources[one.source], where)
        )
        for one in of_documents:
            yield Problem(
                at,
                f"this reads elements, and `{one.name}`, which it is added to, is of documents",
                "write the condition into the metrics of elements, or read fields of the document",
            )
            break


def _share(metric: Metric, subject: Subject, sources: dict[str, Source]) -> Iterator[Problem]:
    """Rows that a document is in several of are no parts of a whole of documents."""
    if metric.type != "share" or metric.metric is None:
        return
    known = {one.name: one for one in subject.metrics}
    for leaf in _leaves([metric.metric], known):
        source = sources.get(leaf.source or "")
        if source is None or leaf.counts != "document":
            continue
        keys = {one.name for one in subject.key}
        if any(one.name in keys and reads_elements(source, one.name) for one in source.dimensions):
            yield Problem(
                metric.origin.at("metric"),
                f"a document is in the rows of all its elements, and `{leaf.name}` counts it in each: these "
                "are no parts of a whole",
                "take the share of a metric of elements",
                ((leaf.origin.at("name"), "the metric of documents"),),
            )


def _leaves(names: list[str], known: dict[str, Metric]) -> Iterator[Metric]:
    """The aggregates that metrics are made of."""
    waiting, seen = list(names), set(names)
    while waiting:
        metric = known.get(waiting.pop())
        if metric is None:
            continue
        if metric.type in AGGREGATES:
            yield metric
        elif metric.type in COMPOSITES:
            more = [name for name, _ in parts_of(metric) if name not in seen]
            seen.update(more)
            waiting += more


RULE = Rule(
    code="M020",
    name="unit-not-said",
    severity=Severity.ERROR,
    what="In a source with `unwind`, a metric does not say whether it is of documents or of elements, or "
    "says one and reads the other.",
    why="An order with three lines is one order and three lines. A sum of the orders' totals over lines "
    "counts each total three times.",
    bad="""
sources:
  - name: raw
    collection: raw
    time: at
    unwind: {path: items, as: item}
    fields: {item.pieces: integer}
dimensions: []
metrics:
  - {name: pieces, type: sum, expr: item.pieces}
  - {name: sold, type: count}
target:
  queries: []
""",
    good="""
sources:
  - name: raw
    collection: raw
    time: at
    unwind: {path: items, as: item}
    fields: {item.pieces: integer}
dimensions: []
metrics:
  - {name: pieces, type: sum, expr: item.pieces}
  - {name: sold, type: count, of: document}
target:
  queries: []
""",
    whole=check,
)

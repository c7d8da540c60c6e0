"""What rows can hold that are grouped by what is looked up: what is to be had of the hidden keys of each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from dashpipe.spec.issue import Issue
from dashpipe.spec.model import COHORTS, COMPOSITES, Metric, Origin, Source, Subject
from dashpipe.spec.typing.parts import parts_of, refs
from dashpipe.spec.typing.units import reads_elements


def check(subject: Subject) -> Iterator[Issue]:
    """Where rows are merged by a looked-up value, each metric is one of the hidden keys together."""
    hidden = subject.hidden_keys
    if not hidden:
        return
    merging = [(one, one.lookup.key) for one in subject.dimensions if one.lookup and one.lookup.key in hidden]
    for one, key in merging:
        yield from _lacking(subject, key, one.origin.at("lookup", "key"))
    by, key = merging[0]
    help = (
        f"add `{key}` to `dimensions`, or look `{by.name}` up before documents are grouped: with a "
        f"`$lookup` in the source's `prepare`, and `{by.name}` among the source's dimensions"
    )
    reason = f"rows are merged by it: `{key}` is no dimension of theirs"
    related = ((by.origin.at("lookup", "key"), reason),)
    metrics = {one.name: one for one in subject.metrics}
    apart = {one.name for one in subject.sources if _of_elements(one, hidden)}
    for metric in subject.metrics:
        found = _unable(metric, metrics, apart)
        if found is not None:
            at, why = found
            text = f"`{metric.name}` cannot be merged by {by.name}: {why}"
            yield Issue("N025", at, text, help, related)


def _lacking(subject: Subject, key: str, at: Origin) -> Iterator[Issue]:
    """Each source defines what is looked up by."""
    for source in subject.sources:
        if key not in {one.name for one in source.dimensions}:
            text = f"the source {source.name} does not define the dimension `{key}`"
            help = f"add `{{name: {key}, expr: …}}` to the `dimensions` of {source.name}"
            related = ((source.origin.at("dimensions"), f"the dimensions of {source.name}"),)
            yield Issue("N004", at, text, help, related)


def _of_elements(source: Source, hidden: tuple[str, ...]) -> bool:
    """Whether what is looked up by is of the elements of an array: a document has several such keys."""
    by = (one.expr or one.name for one in source.dimensions if one.name in hidden)
    return any(reads_elements(source, one) for one in by)


def _unable(metric: Metric, metrics: Mapping[str, Metric], apart: set[str]) -> tuple[Origin, str] | None:
    """Where and why a metric of several hidden keys does not give that of all of them together."""
    if metric.type in COHORTS:
        return metric.origin.at("type"), "who is new to two keys is new once to both"
    if metric.counts == "document" and metric.source in apart:
        return metric.origin.at("of"), "a document whose elements have two keys would count twice"
    if metric.having is not None:
        inputs = {one.alias: one.metric for one in metric.inputs}
        for name in refs(metric):
            estimate = _estimate(inputs.get(name, name), metrics)
            if estimate is not None:
                text = f"`{estimate}`, which `having` asks for, is an estimate, and estimates do not merge"
                return metric.origin.at("having"), text
    return None


def _estimate(name: str, metrics: Mapping[str, Metric]) -> str | None:
    """An estimate that a metric is made of, or itself."""
    waiting, seen = [name], {name}
    while waiting:
        one = metrics.get(waiting.pop())
        if one is None:
            continue
        if one.approximate:
            return one.name
        parts = [part for part, _ in parts_of(one)] if one.type in COMPOSITES else []
        waiting += [part for part in parts if part not in seen]
        seen.update(parts)
    return None

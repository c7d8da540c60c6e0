"""What rows can hold that are grouped by what is looked up: only what is merged from that of hidden keys."""

from __future__ import annotations

from collections.abc import Iterator

from dashpipe.spec.issue import Issue
from dashpipe.spec.model import Metric, Origin, Subject

#: Metrics that are merged from those of the hidden keys, or finished from such.
_ABLE = frozenset(
    {"count", "sum", "avg", "min", "max", "stddev", "variance", "first", "last", "ratio", "derived"}
)


def check(subject: Subject) -> Iterator[Issue]:
    """Where rows are merged by a looked-up value, nothing counts twice or reaches beyond its row."""
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
    for source in subject.sources:
        if source.unwind is not None:
            text = f"a document of {source.name} may lie in several rows that are merged by {by.name}"
            yield Issue("N025", source.origin.at("unwind"), text, help, related, on_key=True)
    for metric in subject.metrics:
        found = _unable(metric)
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


def _unable(metric: Metric) -> tuple[Origin, str] | None:
    """Where and why a metric of several hidden keys does not give that of all of them together."""
    if metric.type not in _ABLE:
        whys = {
            "count_distinct": "a value of two keys would count twice",
            "cumulative": "it reaches beyond its row",
            "share": "it reaches beyond its row",
            "conversion": "it follows events beyond its row",
        }
        return metric.origin.at("type"), whys.get(metric.type, "it is made of all values at once")
    if metric.per:
        return metric.origin.at("per"), "balances of two keys may be of one document key"
    if metric.carry is not None:
        return metric.origin.at("carry"), "it reaches beyond its row"
    if metric.fill is not None:
        return metric.origin.at("fill"), "rows of the time before may have had another value"
    for at, one in enumerate(metric.inputs):
        if one.offset is not None:
            return metric.origin.at("inputs", at, "offset"), "it reaches beyond its row"
    return None

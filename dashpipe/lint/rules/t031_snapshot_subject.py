"""A subject of snapshots that asks for what is over."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dashpipe.lint.rule import Problem, Rule
from dashpipe.spec.diagnostic import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dashpipe.lint.view import View
    from dashpipe.spec.model import Metric, Subject

#: Checks of rows: they judge partitions that are over, unless they say otherwise.
_OF_ROWS = ("row_count", "range", "missing", "unique", "values")


def check(subject: Subject, _view: View) -> Iterator[Problem]:
    """Its sources are all snapshots, and nothing reads another partition or the time of a document."""
    first = next((one for one in subject.sources if one.snapshot), None)
    if first is None:
        return
    for source in subject.sources:
        if not source.snapshot:
            yield Problem(
                subject.origin.at("sources"),
                f"{source.name} has a time, and {first.name} is a snapshot: rows of days that are over could "
                "not be computed again for late documents",
                "make two subjects, one of snapshots and one of what has a time",
                ((source.origin, "the source with a time"), (first.origin.at("snapshot"), "the `snapshot`")),
                on_key=True,
            )
    for metric in subject.metrics:
        for key, why in _reaching(metric):
            yield Problem(metric.origin.at(key), f"{first.name} is a snapshot: {why}", _INSTEAD[key])
    for one in subject.checks:
        if one.type == "freshness" and one.source is not None and subject.source(one.source).snapshot:
            yield Problem(
                one.origin.at("type"),
                f"{one.source} is a snapshot: without a time it is neither fresh nor old",
                "take the check out; `row_count` tells whether there is anything",
            )
        elif one.type in _OF_ROWS and not one.incomplete:
            yield Problem(
                one.origin.at("type"),
                f"{first.name} is a snapshot, taken while its day is not over: this check never judges it",
                "add `incomplete: true`",
            )


_INSTEAD = {
    "type": "compare the rows of two days on the dashboard, or measure a source that has a time",
    "inputs": "compare the rows of two days on the dashboard, or measure a source that has a time",
    "fill": "take `fill` out; a key without documents has no row",
}


def _reaching(metric: Metric) -> Iterator[tuple[str, str]]:
    """What of a metric needs other partitions, or the time of a document."""
    if metric.type in ("cumulative", "conversion", "retention"):
        yield "type", f"a {metric.type} metric reads documents of other days"
    elif metric.type in ("first", "last"):
        yield "type", f"without a time none of its documents is the {metric.type}"
    if any(one.offset is not None for one in metric.inputs):
        yield "inputs", "an offset reads documents of other days"
    if metric.fill is not None:
        yield "fill", "rows are of what there is when it is taken"


RULE = Rule(
    code="T031",
    name="snapshot-subject",
    severity=Severity.ERROR,
    what="A subject takes a snapshot and a source with a time; or it takes a snapshot and has a metric that "
    "reads other days or the order of documents, `fill`, a freshness check, or a check of "
    "rows without `incomplete: true`.",
    why="A row of a snapshot is written while its day runs, and never again: what the documents were before "
    "is not known. Its rows are not `complete`, so that checks must say that they judge such rows.",
    bad="""
sources:
  - name: accounts
    collection: accounts
    snapshot: true
    fields: {balance: number}
dimensions: []
metrics:
  - {name: balance, type: sum, expr: balance}
  - {name: balance_7d, type: cumulative, metric: balance, window: 7 days}
target:
  queries: []
checks:
  - {id: not-empty, type: row_count, incomplete: true, fail: {below: 1}}
""",
    good="""
sources:
  - name: accounts
    collection: accounts
    snapshot: true
    fields: {balance: number}
dimensions: []
metrics:
  - {name: balance, type: sum, expr: balance}
target:
  queries: []
checks:
  - {id: not-empty, type: row_count, incomplete: true, fail: {below: 1}}
""",
    subject=check,
)

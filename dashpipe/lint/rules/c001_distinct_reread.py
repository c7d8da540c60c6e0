"""Distinct counts and medians of a month or a window, reread many times a day."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dashpipe.lint.reached import gaining
from dashpipe.lint.rule import Problem, Rule
from dashpipe.spec.diagnostic import Severity
from dashpipe.spec.kept import distincts, refusal
from dashpipe.spec.typing.types import by_value

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dashpipe.lint.view import View
    from dashpipe.spec.model import Grain, Metric, Subject

_INCREMENTAL = "write `incremental: true` in `{}`: the values that it counts"


def check(subject: Subject, view: View) -> Iterator[Problem]:
    """What does not merge has no coarse grain, and no long window that could, on a schedule under a day."""
    often = view.times_a_day(subject)
    if often <= 1:
        return
    served = set[str]()
    coarse = [one for one in subject.grains if one.value.endswith(("month", "quarter", "year"))]
    for problem, source in _periods(subject, coarse, often):
        served.add(source)
        yield problem
    for one in subject.sources:
        gains = [] if one.name in served else gaining(subject, one)
        if gains:
            more = f" and {len(gains) - 1} more" if len(gains) > 1 else ""
            yield Problem(
                gains[0].origin.at("type"),
                f"each of the {often} runs a day of `{subject.name}` reads {_window(gains[0])} again for "
                f"`{gains[0].name}`{more}",
                f"{_INCREMENTAL.format(one.name)} are kept",
            )


def _periods(subject: Subject, coarse: list[Grain], often: int) -> Iterator[tuple[Problem, str]]:
    """What is read again of months and more, with the source that could be incremental (else empty)."""
    for one in subject.sources if coarse else ():
        if one.unique:
            yield (
                Problem(
                    one.origin.at("unique"),
                    f"each of the {often} runs a day of `{subject.name}` reads the whole {coarse[-1].value} "
                    f"again for the newest documents",
                    "schedule the subject once a day, or take finer `grains`: the newest document of a day "
                    "is not that of its month",
                ),
                "",
            )
    keepable = {
        metric.name: source
        for source in subject.sources
        for metric in distincts(subject, source)
        if refusal(subject, source, metric) is None
    }
    reread = {
        metric: [one for one in coarse if metric.grains is None or one in metric.grains]
        for metric in subject.metrics
        if by_value(metric) is not None
    }
    stuck = {(one.source, grain) for one in reread for grain in reread[one] if one.name not in keepable}
    for metric, grains in reread.items():
        source = keepable.get(metric.name)
        if not grains or (source is not None and source.incremental):
            continue
        if source is None or all((source.name, grain) in stuck for grain in grains):
            served, remedy = (
                "",
                f"give `{metric.name}` finer `grains`: {by_value(metric)} of days do not add up",
            )
        else:
            served, remedy = source.name, f"{_INCREMENTAL.format(source.name)} are kept"
        yield (
            Problem(
                metric.origin.at("type"),
                f"each of the {often} runs a day of `{subject.name}` reads the whole {grains[-1].value} "
                f"again for `{metric.name}`",
                f"schedule the subject once a day, or {remedy}",
            ),
            served,
        )


def _window(metric: Metric) -> str:
    """What a run reads for a cumulative metric."""
    if metric.window is not None:
        return str(metric.window)
    return "all documents there are" if metric.to_date is None else f"the {metric.to_date} to date"


RULE = Rule(
    code="C001",
    name="distinct-reread",
    severity=Severity.WARNING,
    what="A distinct count, median, percentile, list or balance, or a source with `unique`, has a grain of "
    "a month or more, or a distinct count is cumulative over a week or more, and the subject runs more than "
    "once a day.",
    why="Sums and counts of a month are made from the stored days. A distinct count cannot be: who came on "
    "two days is one person; nor a median, which is not that of the days' medians. So every run reads all "
    "documents of the month, quarter or year again; and all of a window, for the distinct count of its days; "
    "unless the values that are counted are kept.",
    bad="""
schedule: "@hourly"
grains: [day, month]
metrics:
  - {name: buyers, source: orders, type: count_distinct, expr: customer_id}
""",
    good="""
schedule: "@hourly"
grains: [day, month]
sources:
  - {name: orders, collection: orders, time: at, fields: {customer_id: string}, incremental: true}
dimensions: []
target:
  queries: []
metrics:
  - {name: buyers, source: orders, type: count_distinct, expr: customer_id}
""",
    subject=check,
)

"""Distinct counts and medians of a month, reread many times a day."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dashpipe.lint.rule import Problem, Rule
from dashpipe.spec.diagnostic import Severity
from dashpipe.spec.kept import distincts, refusal
from dashpipe.spec.typing.types import by_value

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dashpipe.lint.view import View
    from dashpipe.spec.model import Subject


def check(subject: Subject, view: View) -> Iterator[Problem]:
    """What does not merge has no coarse grain on a schedule under a day."""
    coarse = [one for one in subject.grains if one.value.endswith(("month", "quarter", "year"))]
    often = view.times_a_day(subject)
    if not coarse or often <= 1:
        return
    for one in subject.sources:
        if one.unique:
            yield Problem(
                one.origin.at("unique"),
                f"each of the {often} runs a day of `{subject.name}` reads the whole {coarse[-1].value} "
                f"again for the newest documents",
                "schedule the subject once a day, or take finer `grains`: the newest document of a day is "
                "not that of its month",
            )
    keepable = {
        metric.name: source
        for source in subject.sources
        for metric in distincts(subject, source)
        if refusal(subject, source, metric) is None
    }
    for metric in subject.metrics:
        called = by_value(metric)
        if called is None:
            continue
        source = keepable.get(metric.name)
        grains = [one.value for one in coarse if metric.grains is None or one in metric.grains]
        if not grains or (source is not None and source.incremental):
            continue
        remedy = (
            f"give `{metric.name}` finer `grains`: {called} of days do not add up"
            if source is None
            else f"write `incremental: true` in `{source.name}`: the values that it counts are kept"
        )
        yield Problem(
            metric.origin.at("type"),
            f"each of the {often} runs a day of `{subject.name}` reads the whole {grains[-1]} again "
            f"for `{metric.name}`",
            f"schedule the subject once a day, or {remedy}",
        )


RULE = Rule(
    code="C001",
    name="distinct-reread",
    severity=Severity.WARNING,
    what="A distinct count, median, percentile, list or balance, or a source with `unique`, has a grain of "
    "a month or more, and the subject runs more than once a day.",
    why="Sums and counts of a month are made from the stored days. A distinct count cannot be: who came on "
    "two days is one person; nor a median, which is not that of the days' medians. So every run reads all "
    "documents of the month, quarter or year again; unless the values that are counted are kept.",
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

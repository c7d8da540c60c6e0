"""Balances that are carried, of a source whose documents are stored again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dashpipe.lint.rule import Problem, Rule
from dashpipe.spec.diagnostic import Severity
from dashpipe.spec.model import Grain

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dashpipe.lint.view import View
    from dashpipe.spec.model import Subject

_FINE = (Grain.HOUR, Grain.DAY)


def check(subject: Subject, _view: View) -> Iterator[Problem]:
    """What is carried is of days; of a month with `unique`, the newest of each key counts in all of it."""
    sources = {one.name: one for one in subject.sources}
    for metric in subject.metrics:
        source = sources.get(metric.source or "")
        if not metric.per or metric.carry is None or source is None or not source.unique:
            continue
        grains = [one for one in subject.grains if metric.grains is None or one in metric.grains]
        coarse = [one.value for one in grains if one not in _FINE]
        fine = [one.value for one in grains if one in _FINE]
        if coarse:
            kept = f"write `grains: [{', '.join(fine)}]` at `{metric.name}`, or " if fine else ""
            yield Problem(
                metric.origin.at("carry"),
                f"of {source.name} the newest document of a {coarse[0]} counts, and what is carried is of "
                "days",
                f"{kept}leave `carry` out",
                related=((source.origin.at("unique"), "the `unique`"),),
                on_key=True,
            )


RULE = Rule(
    code="M027",
    name="carried-unique",
    severity=Severity.ERROR,
    what="A metric with `per` and `carry` is of a source with `unique`, at a grain above day.",
    why="With `unique`, the newest document of a key in the whole month counts. What is carried is looked "
    "for day by day, so that one row would mix both.",
    bad="""
grains: [day, month]
sources:
  - name: statements
    collection: statements
    time: at
    unique: [number]
    fields: {number: string, account: string, amount: number}
dimensions: []
metrics:
  - {name: balance, type: last, expr: amount, per: [account], carry: always}
target:
  queries: []
""",
    good="""
grains: [day, month]
sources:
  - name: statements
    collection: statements
    time: at
    unique: [number]
    fields: {number: string, account: string, amount: number}
dimensions: []
metrics:
  - {name: balance, type: last, expr: amount, per: [account], carry: always, grains: [day]}
target:
  queries: []
""",
    subject=check,
)

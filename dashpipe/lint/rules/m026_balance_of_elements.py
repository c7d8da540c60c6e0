"""Balances of a source whose arrays are taken apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dashpipe.lint.rule import Problem, Rule
from dashpipe.spec.diagnostic import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dashpipe.lint.view import View
    from dashpipe.spec.model import Subject


def check(subject: Subject, _view: View) -> Iterator[Problem]:
    """A balance is of one document of its key."""
    sources = {one.name: one for one in subject.sources}
    for metric in subject.metrics:
        source = sources.get(metric.source or "")
        if metric.per and source is not None and source.unwind is not None:
            yield Problem(
                metric.origin.at("per"),
                f"a document of {source.name} is taken apart by `unwind`: several elements are its last",
                "define the source again under another name, without `unwind`, and measure that",
                related=((source.origin.at("unwind"), "the `unwind`"),),
            )


RULE = Rule(
    code="M026",
    name="balance-of-elements",
    severity=Severity.ERROR,
    what="A metric with `per` is of a source with `unwind`.",
    why="A balance is the value of the one document that is a key's first or last. The elements of an array "
    "have all the same time and `_id`, and a document may lie in several rows.",
    bad="""
sources:
  - name: statements
    collection: statements
    time: at
    unwind: {path: lines, as: line}
    fields: {account: string, line.amount: number}
dimensions: []
metrics:
  - {name: balance, type: last, expr: line.amount, per: [account]}
target:
  queries: []
""",
    good="""
sources:
  - name: statements
    collection: statements
    time: at
    fields: {account: string, amount: number}
dimensions: []
metrics:
  - {name: balance, type: last, expr: amount, per: [account]}
target:
  queries: []
""",
    subject=check,
)

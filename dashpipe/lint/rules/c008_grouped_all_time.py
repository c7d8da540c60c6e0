"""Totals of all time over rows that are grouped by what is looked up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dashpipe.lint.rule import Problem, Rule
from dashpipe.spec.diagnostic import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dashpipe.lint.view import View
    from dashpipe.spec.model import Metric, Subject


def check(subject: Subject, _view: View) -> Iterator[Problem]:
    """Nothing of all time is read from the source in every run."""
    hidden = subject.hidden_keys
    if not hidden:
        return
    by = next(one.name for one in subject.dimensions if one.lookup and one.lookup.key in hidden)
    for metric in subject.metrics:
        key = _ever(metric)
        if key is not None:
            yield Problem(
                metric.origin.at(key),
                f"each run of `{subject.name}` reads all documents there are for `{metric.name}`: rows are "
                f"grouped by `{by}`, which it looks up anew",
                "take a period of time instead, or let `prepare` look it up and make it a dimension of the "
                "source: what is of all time goes on from what is kept then",
            )


def _ever(metric: Metric) -> str | None:
    """The key by which a metric is of all time; ``None``: it is not."""
    if metric.type == "cumulative" and metric.window is None and metric.to_date is None:
        return "type"
    return "carry" if metric.carry == "always" else None


RULE = Rule(
    code="C008",
    name="grouped-all-time",
    severity=Severity.WARNING,
    what="A metric is of all time, and rows are grouped by what is looked up by a hidden key.",
    why="A row is of the keys that lead to its value when it is computed, and so is all that it reaches back "
    "to: nothing that was stored for a country is known to be of those that are in it now. So such metrics "
    "are read from the source, which for one of all time is the whole of it, more with every day.",
    bad="""
dimensions:
  - name: continent
    lookup: {collection: countries, key: country, foreign: _id, field: continent}
metrics:
  - {name: orders, type: count, source: orders}
  - {name: orders_ever, type: cumulative, metric: orders}
target:
  queries: []
""",
    good="""
dimensions:
  - name: continent
    lookup: {collection: countries, key: country, foreign: _id, field: continent}
metrics:
  - {name: orders, type: count, source: orders}
  - {name: orders_30d, type: cumulative, metric: orders, window: 30 days}
target:
  queries: []
""",
    subject=check,
)

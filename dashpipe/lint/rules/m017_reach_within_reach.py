"""A cumulative metric over one that is cumulative or moved itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dashpipe.lint.rule import Problem, Rule
from dashpipe.lint.within import within
from dashpipe.spec.diagnostic import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dashpipe.lint.view import View
    from dashpipe.spec.model import Metric, Subject


def check(subject: Subject, view: View) -> Iterator[Problem]:
    """What is cumulated is of the partition's own documents."""
    for metric in subject.metrics:
        if metric.type != "cumulative":
            continue
        found = next((one for one in within(subject, view, metric) if _reaches(one)), None)
        if found is None:
            continue
        at = metric.origin.at("metric")
        if found.type == "cumulative":
            text = f"`{found.name}` is cumulative itself"
            cure = f"cumulate what it is of, with a window of its own: `metric: {found.metric}`"
        elif found.carry is not None:
            text = f"`{found.name}` is carried from before its partition"
            cure = "cumulate one without `carry`: a window takes what was before by itself"
        else:
            text = f"`{found.name}` has an `offset`"
            cure = "cumulate the metrics without it, and take that with `offset` in a derived one"
        through = "" if found.name == metric.metric else f", which `{metric.metric}` is made of"
        yield Problem(at, text + through, cure, related=((found.origin, f"`{found.name}`"),))


def _reaches(metric: Metric) -> bool:
    carried = metric.carry is not None
    return metric.type == "cumulative" or carried or any(one.offset is not None for one in metric.inputs)


RULE = Rule(
    code="M017",
    name="reach-within-reach",
    severity=Severity.ERROR,
    what="A cumulative metric is of a metric that is cumulative, or has an offset or `carry`, itself.",
    why="""
A cumulative metric merges the states of documents. A value that was cumulated already holds each document
several times, and a moved one those of other days: their sum means nothing.""",
    bad="""
metrics:
  - orders
  - {name: orders_7d, type: cumulative, metric: orders, window: 7 days}
  - {name: orders_twice, type: cumulative, metric: orders_7d, window: 28 days}
""",
    good="""
metrics:
  - orders
  - {name: orders_7d, type: cumulative, metric: orders, window: 7 days}
  - {name: orders_28d, type: cumulative, metric: orders, window: 28 days}
""",
    subject=check,
)

"""A conversion or a retention that is cumulated, or taken of another partition."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dashpipe.lint.rule import Problem, Rule
from dashpipe.lint.within import within
from dashpipe.spec.diagnostic import Severity
from dashpipe.spec.model import COHORTS, JOURNEYS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dashpipe.lint.rule import At
    from dashpipe.lint.view import View
    from dashpipe.spec.model import Metric, Subject


def check(subject: Subject, view: View) -> Iterator[Problem]:
    """No cumulative metric and no offset is of a conversion."""
    metrics = {one.name: one for one in subject.metrics}
    for metric in subject.metrics:
        if metric.type == "cumulative":
            yield from _of(metric.metric, metric.origin.at("metric"), "cumulated", subject, view, metrics)
        for one in metric.inputs:
            if one.offset is not None:
                yield from _of(one.metric, one.origin.at("metric"), "moved", subject, view, metrics)


def _of(
    name: str | None, at: At, done: str, subject: Subject, view: View, metrics: dict[str, Metric]
) -> Iterator[Problem]:
    if name not in metrics:
        return
    parts = (metrics[name], *within(subject, view, metrics[name]))
    found = next((one for one in parts if one.type in (*JOURNEYS, *COHORTS)), None)
    if found is not None and not (
        found.type in COHORTS and done == "moved"
    ):  # a list is no input: said there
        through = "" if found.name == name else f", which `{name}` is made of"
        yield Problem(
            at,
            f"`{found.name}` is a {found.type}{through}, and cannot be {done}",
            "a longer `window` counts later conversions; a coarser grain covers more base events"
            if found.type in JOURNEYS
            else "its list holds the later periods: write more `periods`",
            related=((found.origin, f"`{found.name}`"),),
        )


RULE = Rule(
    code="M022",
    name="conversion-moved",
    severity=Severity.ERROR,
    what="A cumulative metric, or an input with an offset, is of a conversion or a retention.",
    why="A conversion looks ahead from the events of its own partition: a sum of such rates means nothing.",
    bad="""
lookback_days: 7
metrics:
  - orders
  - {name: again, type: conversion, base: orders, conversion: orders, entity: customer_id, window: 7 days}
  - {name: again_28d, type: cumulative, metric: again, window: 28 days}
""",
    good="""
lookback_days: 7
metrics:
  - orders
  - {name: again, type: conversion, base: orders, conversion: orders, entity: customer_id, window: 7 days}
""",
    subject=check,
)

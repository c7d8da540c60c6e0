"""A conversion or a retention of what is no single event, or within a length of fiscal periods."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dashpipe.lint.rule import Problem, Rule
from dashpipe.spec.diagnostic import Severity
from dashpipe.spec.model import COHORTS, Period

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dashpipe.lint.view import View
    from dashpipe.spec.model import Origin, Source, Subject


def check(subject: Subject, _view: View) -> Iterator[Problem]:
    """The events of a conversion are documents as they are stored; its window is of plain days or months."""
    sources = {one.name: one for one in subject.sources}
    for metric in subject.metrics:
        given = sources.get(metric.source or "")
        if metric.type in COHORTS and given is not None and given.unwind is not None:
            yield _taken_apart(given, metric.origin.at("entity"))
        if metric.type != "conversion":
            continue
        if metric.window is not None and metric.window.unit.startswith("fiscal_"):
            plain = Period(metric.window.n, metric.window.unit.removeprefix("fiscal_"))
            yield Problem(
                metric.origin.at("window"),
                "a conversion comes within hours, days, weeks, months, quarters or years",
                f"write `{plain}`",
            )
        for one in (metric.base, metric.conversion):
            source = None if one is None else sources.get(one.source)
            if one is not None and source is not None and source.unwind is not None:
                yield _taken_apart(source, one.origin)


def _taken_apart(source: Source, at: Origin) -> Problem:
    return Problem(
        at,
        f"a document of {source.name} is taken apart by `unwind`: it is no single event",
        "define the source again under another name, without `unwind`, and take that",
        related=((source.origin.at("unwind"), "the `unwind`"),),
    )


RULE = Rule(
    code="M025",
    name="no-single-events",
    severity=Severity.ERROR,
    what="A conversion or a retention is of a source with `unwind`, or the window of a conversion is counted "
    "in fiscal periods.",
    why="Each document is one event at one instant: the elements of an array would be several at once.",
    bad="""
lookback_days: 31
metrics:
  - orders
  - {name: again, type: conversion, base: orders, conversion: orders, entity: country, window: 1 fiscal_month}
calendar: {fiscal_first_month: 7}
""",
    good="""
lookback_days: 31
metrics:
  - orders
  - {name: again, type: conversion, base: orders, conversion: orders, entity: customer_id, window: 1 month}
""",
    subject=check,
)

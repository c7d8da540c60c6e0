"""Where a subject speaks of fiscal periods: in its grains, and in what metrics reach back by."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dashpipe.spec.model import FISCAL, Grain, Period

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dashpipe.spec.model import Metric, Origin, Subject

_WORDS = {one.value: one for one in FISCAL}


def spoken(subject: Subject) -> Iterator[tuple[Grain, Origin]]:
    """Each fiscal grain and unit that a subject names, with its place."""
    for index, grain in enumerate(subject.grains):
        if grain in FISCAL:
            yield grain, subject.origin.at("grains", index)
    for metric in subject.metrics:
        yield from _reaches(metric)


def _reaches(metric: Metric) -> Iterator[tuple[Grain, Origin]]:
    if metric.to_date in _WORDS:
        yield _WORDS[metric.to_date], metric.origin.at("to_date")
    if metric.window is not None and metric.window.unit in _WORDS:
        yield _WORDS[metric.window.unit], metric.origin.at("window")
    if isinstance(metric.carry, Period) and metric.carry.unit in _WORDS:
        yield _WORDS[metric.carry.unit], metric.origin.at("carry")
    if metric.fill is not None and metric.fill.period.unit in _WORDS:
        yield _WORDS[metric.fill.period.unit], metric.origin.at("fill", "for")
    for one in metric.inputs:
        if one.offset is not None and one.offset.unit in _WORDS:
            yield _WORDS[one.offset.unit], one.origin.at("offset")


def months(subject: Subject) -> int:
    """How many fiscal months the longest window, carry or fill of a subject reaches back."""
    windows = [one.window for one in subject.metrics if one.window is not None]
    windows += [one.carry for one in subject.metrics if isinstance(one.carry, Period)]
    windows += [one.fill.period for one in subject.metrics if one.fill is not None]
    return max((one.n * FISCAL[_WORDS[one.unit]] for one in windows if one.unit in _WORDS), default=0)

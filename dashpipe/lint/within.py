"""The metrics that a composite is made of, directly or through others."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dashpipe.lint.view import View
    from dashpipe.spec.model import Metric, Subject


def within(subject: Subject, view: View, metric: Metric) -> Iterator[Metric]:
    """Each of them once, the nearest first; the metric itself only where it is made of itself."""
    metrics = {one.name: one for one in subject.metrics}
    waiting, seen = [one.metric for one in view.uses(metric)], set()
    while waiting:
        name = waiting.pop(0)
        if name in metrics and name not in seen:
            seen.add(name)
            yield metrics[name]
            waiting += [one.metric for one in view.uses(metrics[name])]

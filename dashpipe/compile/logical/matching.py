"""Of which metrics a row must tell whether anything matched."""

from __future__ import annotations

from dashpipe.spec.model import COMPOSITES, Metric
from dashpipe.spec.typing.parts import parts_of


def told(metrics: dict[str, Metric]) -> set[str]:
    """The metrics of which a row must tell whether anything matched: those with ``empty``, and their parts.

    In a row that is added, also those with ``fill`` that may match something beside the row's own partition.

    A sum does not tell it by itself (it is 0 of nothing and of 1 and -1), so it is counted besides.
    """
    found: set[str] = set()
    waiting = [
        one.name
        for one in metrics.values()
        if one.has_empty or (one.fill is not None and one.type in COMPOSITES)
    ]
    while waiting:
        name = waiting.pop()
        if name not in found and name in metrics:
            found.add(name)
            if metrics[name].type in COMPOSITES:
                waiting += [part for part, _ in parts_of(metrics[name])]
    return found

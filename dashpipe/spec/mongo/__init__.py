"""MongoDB's own words in a spec: which stages and operators may stand there, and what they read."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from dashpipe.spec.model import Metric, Source
from dashpipe.spec.mongo.keeps import changes
from dashpipe.spec.mongo.refuse import Refusal, expression, stages

__all__ = ["Refusal", "changes", "expression", "looked_up", "refused", "stages"]


def refused(source: Source, metrics: Iterable[Metric]) -> Iterator[Refusal]:
    """What is refused of a source and of metrics over it."""
    prepare = [json.loads(one) for one in source.prepare]
    found = list(stages(prepare))
    yield from found or changes(prepare, ("_id", source.time.field))
    for metric in metrics:
        if metric.mongo is not None:
            yield from expression(json.loads(metric.mongo))


def looked_up(stages: Iterable[dict[str, Any]]) -> list[str]:
    """The collections that stages look documents up in, also within a lookup."""
    found: list[str] = []
    for stage in stages:
        if "$lookup" in stage:
            found += [stage["$lookup"]["from"], *looked_up(stage["$lookup"].get("pipeline", ()))]
    return list(dict.fromkeys(found))

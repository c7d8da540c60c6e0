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


def looked_up(stages: Any) -> list[str]:
    """The collections that stages look documents up in, also within a lookup; what is no stage names none."""
    found: list[str] = []
    for stage in stages if isinstance(stages, Iterable) and not isinstance(stages, (str, dict)) else ():
        lookup = stage.get("$lookup") if isinstance(stage, dict) else None
        if isinstance(lookup, dict):
            named = lookup.get("from")
            found += [named] if isinstance(named, str) else []
            found += looked_up(lookup.get("pipeline", ()))
    return list(dict.fromkeys(found))

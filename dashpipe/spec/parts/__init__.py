"""From nodes to the parts of a spec: metrics, sources, checks. Names are not resolved yet."""

from __future__ import annotations

from dashpipe.spec.parts.metric import build_metric
from dashpipe.spec.parts.source import build_dimensions, build_source
from dashpipe.spec.parts.taken import Ref, Take, build_taken
from dashpipe.spec.parts.target import build_check, build_target

__all__ = [
    "Ref",
    "Take",
    "build_check",
    "build_dimensions",
    "build_metric",
    "build_source",
    "build_taken",
    "build_target",
]

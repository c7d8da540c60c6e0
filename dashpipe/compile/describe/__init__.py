"""A plan in words: what is read, aggregated, joined, finished and written, and what each pass did."""

from __future__ import annotations

from dashpipe.compile.describe.layout import folded
from dashpipe.compile.describe.names import Days, labels, place, sample_labels
from dashpipe.compile.describe.pipelines import stages_of, stages_text
from dashpipe.compile.describe.tree import finaliser, index_lines, pass_lines, plan_lines

__all__ = [
    "folded",
    "Days",
    "finaliser",
    "index_lines",
    "labels",
    "pass_lines",
    "place",
    "plan_lines",
    "sample_labels",
    "stages_of",
    "stages_text",
]

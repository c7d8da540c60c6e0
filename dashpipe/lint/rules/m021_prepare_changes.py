"""Stages that change what a run reads the documents by."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from dashpipe.lint.rule import Problem, Rule
from dashpipe.spec import mongo
from dashpipe.spec.diagnostic import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dashpipe.lint.view import View


def check(view: View) -> Iterator[Problem]:
    """``prepare`` leaves the time and the ``_id`` as they are stored, and takes no second array apart."""
    for source in view.sources:
        stages = [json.loads(one) for one in source.prepare]
        if any(mongo.stages(stages)):
            continue  # said elsewhere
        for one in mongo.changes(stages, ("_id", source.time.field)):
            at = source.origin.at("prepare", *one.path)
            yield Problem(at, one.message, one.help, on_key=one.on_key)
        for number, stage in enumerate(stages):
            if "$unwind" in stage and source.unwind is not None:
                yield Problem(
                    source.origin.at("prepare", number, "$unwind"),
                    "this takes an array apart before `unwind` does: what counts as a document is not clear",
                    "take one of the two arrays apart only",
                    ((source.origin.at("unwind"), "the other array"),),
                    on_key=True,
                )


RULE = Rule(
    code="M021",
    name="prepare-changes",
    severity=Severity.ERROR,
    what="A stage of `prepare` changes or drops the time field or `_id`, or takes an array apart "
    "beside `unwind`.",
    why="A run chooses its documents by the stored time, so that an index serves it. Another time afterwards "
    "would put documents on days that were not read whole.",
    bad="""
sources:
  - name: raw
    collection: raw
    time: at
    prepare:
      - $set: {at: $paid_at}
dimensions: []
metrics:
  - {name: sold, type: count}
target:
  queries: []
""",
    good="""
sources:
  - name: raw
    collection: raw
    time: paid_at
    prepare:
      - $set: {total: {$size: $lines}}
    fields: {total: integer}
dimensions: []
metrics:
  - {name: sold, type: sum, expr: total}
target:
  queries: []
""",
    whole=check,
)

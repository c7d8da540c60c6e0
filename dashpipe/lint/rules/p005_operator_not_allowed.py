"""Stages and operators that a spec may not use."""

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
    """``prepare`` and ``mongo`` hold nothing that is not on the list, at any depth."""
    for source in view.sources:
        if source.prepare:
            for one in mongo.stages([json.loads(stage) for stage in source.prepare]):
                at = source.origin.at("prepare", *one.path)
                yield Problem(at, one.message, one.help, on_key=one.on_key)
    for subject in (*view.models, *view.subjects):
        for metric in subject.metrics:
            if metric.mongo is not None:
                for one in mongo.expression(json.loads(metric.mongo)):
                    at = metric.origin.at("mongo", *one.path)
                    yield Problem(at, one.message, one.help, on_key=one.on_key)


RULE = Rule(
    code="P005",
    name="operator-not-allowed",
    severity=Severity.ERROR,
    what="A stage of `prepare` or an operator of `prepare` or `mongo` is not on the list of those that a "
    "spec may use.",
    why="Specs are reviewed as data. What runs code, writes, reads other databases or the server's state, or "
    "gives another result the next time, is not run from one.",
    bad="""
sources:
  - name: raw
    collection: raw
    time: at
    prepare:
      - $match: {$where: "this.total > 5"}
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
    time: at
    prepare:
      - $match: {total: {$gt: 5}}
dimensions: []
metrics:
  - {name: sold, type: count}
target:
  queries: []
""",
    whole=check,
)

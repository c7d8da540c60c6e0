"""Values of distinct counts that would be kept, and serve nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dashpipe.lint.rule import Problem, Rule
from dashpipe.spec.diagnostic import Severity
from dashpipe.spec.kept import distincts, refusal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dashpipe.lint.view import View
    from dashpipe.spec.model import Subject


def check(subject: Subject, _view: View) -> Iterator[Problem]:
    """A source of the subject's own that is `incremental` has a distinct count that gains by it."""
    for source in subject.sources:
        if not source.incremental or source.origin.file != subject.origin.file:
            continue  # a model is said once, for subjects of any grains
        found = distincts(subject, source)
        reasons = [refusal(subject, source, one) for one in found]
        if None in reasons:
            continue
        why = f"`{found[0].name}`: {reasons[0]}" if found else "it has no distinct count"
        text = f"nothing of `{source.name}` is counted from kept values: {why}"
        yield Problem(source.origin.at("incremental"), text, "take `incremental` out", on_key=True)


RULE = Rule(
    code="C007",
    name="kept-for-nothing",
    severity=Severity.WARNING,
    what="A source is `incremental`, and no distinct count of it is made from kept values.",
    why="What is kept are the values that a distinct count counts, for each partition of the finest grain: "
    "weeks and months are counted from these, and what is cumulative over days. With one grain and nothing "
    "cumulative, or without a distinct count of texts, integers, booleans or ids, nothing is kept.",
    bad="""
grains: [day]
sources:
  - {name: raw, collection: raw, time: at, fields: {user: string}, incremental: true}
dimensions: []
metrics:
  - {name: users, type: count_distinct, expr: user}
target:
  queries: []
""",
    good="""
grains: [day, month]
sources:
  - {name: raw, collection: raw, time: at, fields: {user: string}, incremental: true}
dimensions: []
metrics:
  - {name: users, type: count_distinct, expr: user}
target:
  queries: []
""",
    subject=check,
)

"""Documents that may vanish in any number."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dashpipe.lint.rule import Problem, Rule
from dashpipe.spec.diagnostic import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dashpipe.lint.view import View
    from dashpipe.spec.model import Subject


def check(subject: Subject, _view: View) -> Iterator[Problem]:
    """A check that can fail counts the mistyped values of each field that leaves documents out."""
    counted = {
        (one.source, one.field)
        for one in subject.checks
        if one.type == "values" and one.fail is not None and "mistyped" in one.counts
    }
    for source in subject.sources:
        for field in source.fields:
            if field.on_type_error != "quarantine" or (source.name, field.path) in counted:
                continue
            name = re.sub(r"[^a-z0-9]+", "-", field.path.lower()).strip("-")
            yield Problem(
                subject.origin.at("checks"),
                f"nothing limits how many documents of `{source.name}` a wrong `{field.path}` leaves out",
                f"write `{{id: typed-{name}, type: values, source: {source.name}, field: {field.path}, "
                "counts: mistyped, fail: {above: 0.01}}`",
                related=((field.origin, "its documents go into quarantine"),),
                on_key=not subject.checks,
            )


_SOURCE = """
sources:
  - name: raw
    collection: raw
    time: at
    fields: {total: {type: number, on_type_error: quarantine}}
dimensions: []
metrics:
  - {name: sold, type: sum, expr: total}
target:
  queries: []
checks:
  - {id: not-empty, type: row_count, fail: {below: 1}}
"""

RULE = Rule(
    code="Q013",
    name="quarantine-unlimited",
    severity=Severity.WARNING,
    what="A field sends documents into quarantine, and no check limits how many.",
    why="Documents in quarantine are in no metric. A few are told in the run's receipt; once a release of "
    "the application writes the field in another type, all of a day are gone and the dashboard shows less "
    "than there was. A check keeps the last good rows then.",
    bad=_SOURCE,
    good=_SOURCE
    + "  - {id: typed, type: values, source: raw, field: total, counts: mistyped, fail: {above: 0.01}}\n",
    subject=check,
)

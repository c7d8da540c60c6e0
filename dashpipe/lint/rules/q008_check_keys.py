"""A check over columns that the rows do not have, or that can never fail."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dashpipe.lint.rule import Problem, Rule
from dashpipe.spec.diagnostic import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dashpipe.lint.view import View
    from dashpipe.spec.model import Subject


def check(subject: Subject, view: View) -> Iterator[Problem]:
    """The keys of a check are dimensions or metrics of the row, and fewer than the whole key."""
    written = [one.name for one in subject.dimensions] + [
        one.name for one in subject.metrics if not one.hidden
    ]
    columns = {*written, "partition_date", "partition_hour"}
    key = {one.name for one in subject.row_key}
    for one in subject.checks:
        for index, name in enumerate(one.keys):
            if name not in columns:
                near = view.nearest(name, written)
                help = f"did you mean {near}?" if near else f"write of: {', '.join(written)}"
                yield Problem(one.origin.at("keys", index), f"the rows have no column `{name}`", help)
        if one.type == "unique" and one.keys and key <= set(one.keys):
            yield Problem(
                one.origin.at("keys"),
                "this can never fail: a row is one key, so the whole key is always unique",
                "write fewer dimensions, or leave the check out",
            )


RULE = Rule(
    code="Q008",
    name="check-keys",
    severity=Severity.ERROR,
    what="A check's `keys` names what is no column of the row, or the whole key of it.",
    why="`unique` is for what should be unique though it is not the key (one country a teacher, say). The "
    "key always is.",
    bad="checks:\n  - {id: once, type: unique, keys: [contry], fail: {above: 0}}",
    good="checks:\n  - {id: once, type: unique, keys: [region], fail: {above: 0}}",
    subject=check,
)

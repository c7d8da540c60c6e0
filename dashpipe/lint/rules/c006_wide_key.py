"""A key of many dimensions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dashpipe.lint.rule import Problem, Rule
from dashpipe.spec.diagnostic import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dashpipe.lint.view import View
    from dashpipe.spec.model import Subject


#: Key dimensions that a row may have without a word.
MOST = 8


def check(subject: Subject, _view: View) -> Iterator[Problem]:
    """The key has at most ``MOST`` dimensions."""
    if len(subject.row_key) > MOST:
        yield Problem(
            subject.row_key[MOST].origin,
            f"this is dimension {len(subject.row_key)} of the key: rows may become as many as the documents",
            f"keep to {MOST}; what follows from another dimension can be a `lookup`",
        )


RULE = Rule(
    code="C006",
    name="wide-key",
    severity=Severity.WARNING,
    what=f"The key has more than {MOST} dimensions.",
    why="A row is one combination of all dimensions. With each one more the rows grow towards one a "
    "document, and nothing is "
    "summed up any more.",
    bad="sources:\n  - name: orders\n    collection: orders\n    time: paid_at\n    fields: {"
    + ", ".join(f"d{n}: string" for n in range(9))
    + "}\n    dimensions: ["
    + ", ".join(f"d{n}" for n in range(9))
    + "]\ndimensions: ["
    + ", ".join(f"d{n}" for n in range(9))
    + "]\nmetrics:\n  - {name: sold, type: count}\ntarget: {queries: []}",
    good="dimensions: [country]",
    subject=check,
)

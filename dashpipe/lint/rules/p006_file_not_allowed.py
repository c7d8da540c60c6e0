"""A file that the project does not allow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dashpipe.lint.rule import Problem, Rule
from dashpipe.spec.allow import allowing
from dashpipe.spec.diagnostic import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dashpipe.lint.view import View


def check(view: View) -> Iterator[Problem]:
    """Each `file` matches a pattern of ``[allow] files``."""
    allowed = view.project.config.allow.files
    for source in view.sources:
        if source.file is None or not source.file.path or allowing(allowed, source.file.path):
            continue
        listed = ", ".join(allowed) or "none"
        yield Problem(
            source.origin.at("file", "path"),
            f"the file {source.file.path} is not allowed (allowed: {listed})",
            f'add "{source.file.path}", or a pattern for more, to `files` under `[allow]` in dashpipe.toml',
        )


RULE = Rule(
    code="P006",
    name="file-not-allowed",
    severity=Severity.ERROR,
    what="A source reads a file that `[allow] files` in `dashpipe.toml` does not name.",
    why="Whoever can edit a spec could otherwise read any file of the worker, and any bucket that its "
    "account opens, into a dashboard. What specs may read is said once, in a file of its own.",
    bad="""
sources:
  - name: raw
    collection: raw
    file: {path: /etc/passwd, format: csv, delimiter: ":"}
    time: at
    fields: {at: date}
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
    file: {path: data/raw.csv, format: csv}
    time: at
    fields: {at: date}
dimensions: []
metrics:
  - {name: sold, type: count}
target:
  queries: []
""",
    whole=check,
)

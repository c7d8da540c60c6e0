"""A snapshot with keys that only a time gives a meaning."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dashpipe.lint.rule import Problem, Rule
from dashpipe.spec.diagnostic import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dashpipe.lint.view import View
    from dashpipe.spec.model import Source


def check(view: View) -> Iterator[Problem]:
    """A source has a time or is a snapshot, and a snapshot has no key that needs a time."""
    for source in view.sources:
        if source.snapshot:
            for key, why in _needless(source):
                yield Problem(
                    source.origin.at(key),
                    f"{source.name} is a snapshot, and {why}",
                    f"take `{key}` out, or `snapshot` where documents have a time",
                    ((source.origin.at("snapshot"), "the `snapshot`"),),
                    on_key=True,
                )
        elif not source.time.field and source.time.kind == "snapshot":
            yield Problem(
                source.origin.at("snapshot"),
                f"{source.name} has no time, and is no snapshot",
                "add `time: FIELD`, the instant of a document, or write `snapshot: true`",
            )


def _needless(source: Source) -> Iterator[tuple[str, str]]:
    """The keys that do not go with a snapshot, and why."""
    if source.time.kind != "snapshot":
        yield "time", "its documents are counted on the day of the run, whatever their time"
    if source.updated is not None:
        yield "updated", "what changed on days that are over cannot be computed again"
    if source.unique:
        yield "unique", "without a time none of its documents is the newest"
    if source.incremental:
        yield "incremental", "a week is the newest snapshot, not what its days make together"
    if source.file is not None:
        yield "file", "a file is landed with the time of each row"
    if source.http is not None:
        yield "http", "an endpoint is landed with the time of each row"


RULE = Rule(
    code="T030",
    name="snapshot-keys",
    severity=Severity.ERROR,
    what="A source with `snapshot: true` has `time`, `updated`, `unique`, `incremental` or `file` too; or a "
    "source has neither a time nor `snapshot: true`.",
    why="A snapshot counts documents as they stand when the run reads them, in the day that the run is in. "
    "What these keys say is about the time of a document.",
    bad="""
sources:
  - name: accounts
    collection: accounts
    snapshot: true
    time: opened_at
dimensions: []
metrics:
  - {name: accounts, type: count}
target:
  queries: []
checks:
  - {id: not-empty, type: row_count, incomplete: true, fail: {below: 1}}
""",
    good="""
sources:
  - name: accounts
    collection: accounts
    snapshot: true
dimensions: []
metrics:
  - {name: accounts, type: count}
target:
  queries: []
checks:
  - {id: not-empty, type: row_count, incomplete: true, fail: {below: 1}}
""",
    whole=check,
)

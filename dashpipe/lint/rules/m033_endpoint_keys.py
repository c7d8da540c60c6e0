"""An endpoint whose keys do not go together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dashpipe.lint.rule import Problem, Rule
from dashpipe.spec.diagnostic import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dashpipe.lint.view import View


def check(view: View) -> Iterator[Problem]:
    """What changed is told by a field; a source is landed from one place; a parameter means one thing."""
    for source in view.sources:
        http = source.http
        if http is None:
            continue
        if source.file is not None:
            yield Problem(
                source.origin.at("file"),
                f"{source.name} is landed from an endpoint, and from a file too",
                "make two sources of them, each with a collection of its own",
                ((source.origin.at("http"), "the endpoint"),),
                on_key=True,
            )
        if http.since is None:
            continue
        at = source.origin.at("http", "since")
        if source.updated is None:
            yield Problem(
                at,
                f"`{http.since}` asks for what changed, and nothing says when a row of {source.name} did",
                "add `updated: FIELD` to the source: the next run asks from its newest value on",
            )
        elif source.updated.kind == "object_id":
            yield Problem(
                at, "an object id does not tell when a row changed", "name another field in `updated`"
            )
        if http.since == http.parameter:
            yield Problem(
                at, f"`{http.since}` is the parameter of `paging` too", "name the one that takes an instant"
            )


RULE = Rule(
    code="M033",
    name="endpoint-keys",
    severity=Severity.ERROR,
    what="A source has `http` and `file`; or its `since` has no `updated` to take its value from, or is "
    "the parameter of `paging` too.",
    why="With `since` a run asks for what changed after the newest row that it knows. Without a field "
    "that says when a row changed there is no such instant.",
    bad="""
sources:
  - name: raw
    collection: raw
    http: {url: "https://api.example.com/v1/orders", key: [id], since: changed_after}
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
    http: {url: "https://api.example.com/v1/orders", key: [id], since: changed_after}
    time: at
    updated: changed_at
    fields: {at: date, changed_at: date}
dimensions: []
metrics:
  - {name: sold, type: count}
target:
  queries: []
""",
    whole=check,
)

"""Times that are read in another form than they are declared to have."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dashpipe.lint.rule import Problem, Rule
from dashpipe.spec.diagnostic import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dashpipe.lint.view import View
    from dashpipe.spec.model import Origin, Source, Time

_NUMBERS = ("integer", "number", "decimal")
_TYPES = {
    "date": ("date",),
    "iso": ("string",),
    "epoch_s": _NUMBERS,
    "epoch_ms": _NUMBERS,
    "object_id": ("object_id",),
}
_WORDS = {
    "date": "a date",
    "iso": "ISO 8601 text",
    "epoch_s": "seconds since 1970",
    "epoch_ms": "milliseconds since 1970",
    "object_id": "an object id",
}


def check(view: View) -> Iterator[Problem]:
    """A time has the form that its field's declared type can hold."""
    for source in view.sources:
        yield from _wrong(source, "time", source.time)
        if source.updated is not None:
            yield from _wrong(source, "updated", source.updated)


def _wrong(source: Source, key: str, time: Time) -> Iterator[Problem]:
    declared = next((one for one in source.fields if one.path == time.field), None)
    if declared is not None:
        type_, said = declared.type, f"`{time.field}` is declared {declared.type}"
    elif time.field == "_id":
        type_, said = "object_id", "MongoDB's own `_id` is an object id"
    else:
        return
    if type_ in _TYPES.get(time.kind, (type_,)):
        return
    related: tuple[tuple[Origin, str], ...] = ()
    if declared is not None:
        related = ((declared.origin, "its type"),)
    yield Problem(
        source.origin.at(key, "field" if time.kind == "date" else "as"),
        f"{said}, and is read as {_WORDS[time.kind]}",
        _help(key, time.field, type_),
        related,
    )


def _help(key: str, field: str, type_: str) -> str:
    forms = [kind for kind, types in _TYPES.items() if type_ in types]
    if not forms:
        return f"name a field that holds instants: no form of `{key}` is {type_}"
    if forms == ["date"]:
        return f"write `{key}: {field}`"
    written = " or ".join(f"`{key}: {{field: {field}, as: {one}}}`" for one in forms)
    return f"write {written}, or correct the type under `fields`"


RULE = Rule(
    code="T013",
    name="time-form",
    severity=Severity.ERROR,
    what="`time` or `updated` is read in a form that its field does not have.",
    why="No document would have a usable time: each would count as untimed, and the run would fail.",
    bad="""
# file: metrics/shop/models/clicks.yml
dashpipe: 1
model: clicks
description: A click.
collection: clicks
time: clicked
fields: {clicked: string}
""",
    good="""
# file: metrics/shop/models/clicks.yml
dashpipe: 1
model: clicks
description: A click.
collection: clicks
time: {field: clicked, as: iso}
fields: {clicked: string}
""",
    whole=check,
)

"""The one definition of every key: lint's shape findings, the JSON Schema and the reference come from it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dashpipe.spec.codes import finding
from dashpipe.spec.node import Map, Node, Scalar

if TYPE_CHECKING:
    from dashpipe.spec.diagnostic import Diagnostic
    from dashpipe.spec.shape.reference import Row


def check(node: Node, file: str) -> tuple[Diagnostic, ...]:
    """What of a file is not as a spec is written (family S), in the order of the file.

    Args:
        node: The file's root, as `reader.read` gives it.
        file: Its name, as findings show it.
    """
    from dashpipe.spec.calendars import is_calendar
    from dashpipe.spec.shape.calendar import CALENDAR_FILE
    from dashpipe.spec.shape.source import MODEL
    from dashpipe.spec.shape.subject import SUBJECT
    from dashpipe.spec.shape.walk import Checker

    if not isinstance(node, Map):
        empty = isinstance(node, Scalar) and node.value is None
        text = "this file is empty" if empty else "a spec is a mapping: lines of `key: value`"
        help = "write `dashpipe: 1`, then `subject: …` or `model: …`; `dashpipe init` writes an example"
        return (finding("S111", text, file, node.span, help),)
    model, subject = (node.get(one) is not None for one in ("model", "subject"))
    if model and subject:
        span = next(one.key.span for one in node.entries if one.name == "model")
        help = "a model has a file of its own: keep one of the two keys"
        return (finding("S111", "a file is a model or a subject, and this says both", file, span, help),)
    checker = Checker(file)
    if is_calendar(node):
        checker.value(node, CALENDAR_FILE, ())
    elif not model and not subject:
        return (_kindless(node, file),)
    else:
        checker.keys(node, MODEL if model else SUBJECT, ())
    return tuple(sorted(checker.findings, key=lambda one: one.sort_key))


def _kindless(node: Map, file: str) -> Diagnostic:
    """The finding for a file that says neither what model nor what subject it is."""
    from difflib import get_close_matches

    for entry in node.entries:
        near = get_close_matches(entry.name.lower(), ["subject", "model"], 1, 0.7)
        if near:
            text = f"`{entry.name}` is not a key of a spec"
            return finding("S101", text, file, entry.key.span, f"did you mean {near[0]}?", path=(entry.name,))
    span = node.entries[0].key.span if node.entries else node.span
    help = "write `subject: …` for a dashboard dataset, or `model: …` for a source that several share"
    return finding("S111", "this file is neither a subject nor a model nor a calendar", file, span, help)


def json_schema() -> dict[str, Any]:
    """The JSON Schema (draft-07) of a spec file; a new value each time."""
    from dashpipe.spec.shape.schema import json_schema as make

    return make()


def keys() -> tuple[Row, ...]:
    """Every key of subjects, models and dashpipe.toml, as rows of a reference."""
    from dashpipe.spec.shape.reference import rows

    return rows()

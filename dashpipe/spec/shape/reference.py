"""The keys as rows of a reference page."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from dashpipe.spec.shape.calendar import CALENDAR_FILE
from dashpipe.spec.shape.kinds import (
    Cases,
    Either,
    Flag,
    Free,
    Key,
    Keys,
    Kind,
    ListOf,
    Null,
    Number,
    Paths,
    Text,
    Words,
)
from dashpipe.spec.shape.settings import SETTINGS
from dashpipe.spec.shape.source import MODEL
from dashpipe.spec.shape.subject import SUBJECT

if TYPE_CHECKING:
    from collections.abc import Iterator


class Row(NamedTuple):
    """One key.

    Attributes:
        file: Where it stands: ``subject``, ``model``, ``calendar`` or ``dashpipe.toml``.
        path: From the root: ``metrics[].expr``; ``[]`` are the entries of a list, ``*`` is a field's path.
        types: The types of the metric or check that have it; empty for all.
        kind: What its value may be, in words.
        required: Whether its mapping needs it.
        default: What holds without it, in words.
        description: What it means.
    """

    file: str
    path: str
    types: tuple[str, ...]
    kind: str
    required: bool
    default: str
    description: str


_FILES = (
    ("subject", SUBJECT),
    ("model", MODEL),
    ("calendar", CALENDAR_FILE.other),
    ("calendar", CALENDAR_FILE.then),
    ("dashpipe.toml", SETTINGS),
)


def rows() -> tuple[Row, ...]:
    """Every key of subjects, models, calendars and dashpipe.toml, each below the one that it stands under."""
    found: list[Row] = []
    for name, keys in _FILES:
        found += _rows(name, keys, "", ())
    return tuple(dict.fromkeys(found))  # the two ways to write a calendar share most of their keys


def _rows(file: str, keys: Keys, above: str, around: tuple[str, ...]) -> Iterator[Row]:
    """The rows of a mapping's keys; ``around`` are the types of the mapping around it that have it."""
    for one in keys.keys:
        yield from _key(file, one, above, around)
    # The keys of a type, each once, with the types that mean the same by it.
    own: dict[Key, list[str]] = {}
    for name, variant in keys.variants:
        for one in variant:
            own.setdefault(one, []).append(name)
    for one, types in own.items():
        yield from _key(file, one, above, tuple(types) if len(types) < len(keys.variants) else around)


def _key(file: str, key: Key, above: str, types: tuple[str, ...]) -> Iterator[Row]:
    path = f"{above}.{key.name}" if above else key.name
    yield Row(file, path, types, said(key.kind), key.required, key.default, key.description)
    for inner, below in _inner(key.kind, path):
        yield from _rows(file, inner, below, types)


def _inner(kind: Kind, path: str) -> Iterator[tuple[Keys, str]]:
    """The mappings that a value may be or hold, each with its path."""
    if isinstance(kind, Keys):
        yield kind, path
    elif isinstance(kind, ListOf):
        yield from _inner(kind.item, f"{path}[]")
    elif isinstance(kind, Paths):
        yield from _inner(kind.value, f"{path}.*")
    elif isinstance(kind, Cases):
        yield kind.then, path
        yield kind.other, path
    elif isinstance(kind, Either):
        for one in kind.kinds:
            yield from _inner(one, path)


def said(kind: Kind) -> str:
    """What a value may be, in words."""
    if isinstance(kind, Text):
        return (
            "text"
            if kind.what == "text"
            else kind.what.removeprefix("a ").removeprefix("an ").removeprefix("the ")
        )
    if isinstance(kind, Words):
        return ", ".join(dict.fromkeys("null" if one is None else str(one) for one in kind.words))
    if isinstance(kind, Number):
        return ("whole number" if kind.whole else "number") + _limits(kind)
    if isinstance(kind, Flag):
        return "true, false"
    if isinstance(kind, Null):
        return "null"
    if isinstance(kind, ListOf):
        return f"list of {said(kind.item)}"
    if isinstance(kind, Free):
        return kind.what.removeprefix("a ").removeprefix("an ")
    if isinstance(kind, Paths):
        return f"path → {said(kind.value)}"
    if isinstance(kind, Either):
        return " or ".join(dict.fromkeys(said(one) for one in kind.kinds))
    return kind.name if isinstance(kind, Keys) else f"{said(kind.then)} or {said(kind.other)}"


def _limits(kind: Number) -> str:
    if kind.least is not None and kind.most is not None:
        return f", {kind.least:g} to {kind.most:g}"
    if kind.least is not None:
        return f", {kind.least:g} or more"
    return ""

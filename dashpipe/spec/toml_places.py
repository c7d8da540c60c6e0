"""Where the keys of a TOML file stand: its parser does not say, and for so few a search is enough."""

from __future__ import annotations

import re
from typing import Any

from dashpipe.spec.diagnostic import Span
from dashpipe.spec.node import Entry, Map, Node, Scalar, Seq

_HEADER = re.compile(r"\s*\[\[?\s*(?P<name>[^\[\]]+?)\s*\]\]?\s*(?:#.*)?")
_PAIR = re.compile(
    r"""\s*(?P<key>(?:[\w-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[\w-]+|"[^"]*"|'[^']*'))*)\s*=\s*(?P<value>.*)"""
)
_PART = re.compile(r"""[\w-]+|"[^"]*"|'[^']*'""")

#: Key path → place of the key and of its value.
_Places = dict[tuple[str, ...], tuple[Span, Span]]


def tree(text: str, given: dict[str, Any]) -> Map:
    """The values of a TOML file with their places, as far as they are found: else that of what they stand in.

    Args:
        text: The file's text.
        given: What its parser read there.
    """
    start = Span(1, 1, 1, 1)
    places = _places(text)
    return _map(given, (), places, start)


def _places(text: str) -> _Places:
    found: _Places = {}
    table: tuple[str, ...] = ()
    for number, line in enumerate(text.split("\n"), 1):
        header = _HEADER.fullmatch(line)
        if header is not None:
            table = _parts(header["name"])
            span = Span(number, header.start("name") + 1, number, header.end("name") + 1)
            found.setdefault(table, (span, span))
            continue
        pair = _PAIR.fullmatch(line)
        if pair is None:
            continue
        path = (*table, *_parts(pair["key"]))
        key = Span(number, pair.start("key") + 1, number, pair.end("key") + 1)
        value = _value(pair["value"])
        begin = pair.start("value") + 1
        found.setdefault(path, (key, Span(number, begin, number, begin + len(value))))
        for above in range(len(table) + 1, len(path)):
            found.setdefault(path[:above], (key, key))
    return found


def _parts(name: str) -> tuple[str, ...]:
    return tuple(one.strip("\"'") for one in _PART.findall(name))


def _value(text: str) -> str:
    """A value as far as it stands on its line, without the comment behind it."""
    match = re.match(r"""(?:"(?:[^"\\]|\\.)*"|'[^']*'|[^"'#])*""", text)
    return (match[0] if match else text).rstrip()


def _map(given: dict[str, Any], path: tuple[str, ...], places: _Places, around: Span) -> Map:
    entries = []
    for name, value in given.items():
        here = (*path, name)
        key, place = places.get(here, (around, around))
        entries.append(Entry(Scalar(name, key, "", 0, name), _node(value, here, places, place)))
    return Map(tuple(entries), around)


def _node(value: Any, path: tuple[str, ...], places: _Places, span: Span) -> Node:
    if isinstance(value, dict):
        return _map(value, path, places, span)
    if isinstance(value, list):
        return Seq(tuple(_node(one, path, places, span) for one in value), span)
    if isinstance(value, (bool, int, float)):
        return Scalar(value, span, "", 0, str(value).lower())
    # Dates and times are read as the text that they are in YAML.
    return Scalar(str(value), span, '"' if isinstance(value, str) else "", 0, str(value))

"""What a file says, as values with their places: the reader gives it, shape and model are read from it."""

from __future__ import annotations

from typing import Any, NamedTuple, TypeAlias

from dashpipe.spec.diagnostic import Span


class Scalar(NamedTuple):
    """A single value.

    Attributes:
        value: As YAML 1.2 core reads it: None, bool, int, float or str.
        span: Its place, with quotes.
        style: How it is written: empty (plain), ``'``, ``"``, ``|`` or ``>``.
        start: Offset of its first code point in the file's text.
        text: What stands there, quotes undone; for a plain ``1.50`` it is ``1.50``.
    """

    value: bool | int | float | str | None
    span: Span
    style: str
    start: int
    text: str


class Seq(NamedTuple):
    """A list."""

    items: tuple[Node, ...]
    span: Span


class Entry(NamedTuple):
    """A key of a mapping with its value; keys are always text (``on:`` is the text ``on``)."""

    key: Scalar
    value: Node

    @property
    def name(self) -> str:
        """The key."""
        return str(self.key.value)


class Map(NamedTuple):
    """A mapping, in the order of the file, each key once."""

    entries: tuple[Entry, ...]
    span: Span

    def get(self, name: str) -> Node | None:
        """The value of a key, or ``None`` where it is absent."""
        for one in self.entries:
            if one.key.value == name:  # not by the property: this is where building a subject spends its time
                return one.value
        return None


Node: TypeAlias = "Scalar | Seq | Map"


def nothing(node: Node) -> bool:
    """Whether a value is absent or was refused: a finding of reading says so, later checks pass over it."""
    return isinstance(node, Scalar) and node.value is None and not node.text and not node.style


def plain(node: Node) -> Any:
    """The plain value: dicts, lists and scalars."""
    if isinstance(node, Scalar):
        return node.value
    if isinstance(node, Seq):
        return [plain(one) for one in node.items]
    return {one.name: plain(one.value) for one in node.entries}


def at(node: Node, path: tuple[str | int, ...], on_key: bool = False) -> Span:
    """The place of a key path; where it does not go all the way, the place of the last value that is there.

    Args:
        node: The file's root.
        path: Keys and list positions from the root.
        on_key: The place of the last key, not of its value.
    """
    span = node.span
    for step in path:
        if isinstance(node, Map) and isinstance(step, str):
            entry = next((one for one in node.entries if one.name == step), None)
            if entry is None:
                return span
            span, node = (entry.key.span if on_key else entry.value.span), entry.value
        elif isinstance(node, Seq) and isinstance(step, int) and step < len(node.items):
            node = node.items[step]
            span = node.span
        else:
            return span
    return span

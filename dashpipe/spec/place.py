"""The place of a part of a value's text, in the file that writes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dashpipe.spec.node import Map, Node, Scalar, Seq
from dashpipe.spec.offsets import span
from dashpipe.spec.where import positions

if TYPE_CHECKING:
    from dashpipe.spec.diagnostic import Span
    from dashpipe.spec.model import Origin
    from dashpipe.spec.project import Project, SourceFile


def part_span(project: Project, origin: Origin, start: int, end: int) -> Span:
    """The place of ``text[start:end]`` of the value at an origin, however the value is written.

    A part that is empty (something is missing there) is the place between two characters. Where the value
    is no scalar, or not in the file, it is the place of the whole.
    """
    file = project.by_path.get(origin.file)
    node = None if file is None else find(file.node, origin.path)
    if file is None or not isinstance(node, Scalar):
        return project.span(origin)
    value = node.value if isinstance(node.value, str) else node.text
    found = positions(file.text, node.start, node.style, value)
    start = max(0, min(start, len(value)))
    end = max(start, min(end, len(value)))
    first = found[start]
    # The end is behind the last character of the part, not before the next one: a line end may lie between.
    last = first if start == end else max(_behind(file, found, end), first)
    return span(file.text, first, last)


def find(node: Node | None, path: tuple[str | int, ...]) -> Node | None:
    """The node at a key path, ``None`` where there is none."""
    for step in path:
        if isinstance(node, Map) and isinstance(step, str):
            node = node.get(step)
        elif isinstance(node, Seq) and isinstance(step, int) and 0 <= step < len(node.items):
            node = node.items[step]
        else:
            return None
    return node


def _behind(file: SourceFile, found: list[int], end: int) -> int:
    """Where the code point before offset ``end`` ends in the file."""
    at, following = found[end - 1], found[end]
    text = file.text[at:following]
    if text[:1] == "\\" or text[:2] == "''":
        return following
    return at + 1 if len(text) > 1 else following

"""From an offset in a scalar's text to its place in the YAML file, for every style of writing a scalar."""

from __future__ import annotations

_ESCAPED = {"x": 2, "u": 4, "U": 8}
_BREAKS = "\r\n\x85\u2028\u2029"
_BLANKS = " \t" + _BREAKS


def positions(text: str, start: int, style: str, value: str) -> list[int]:
    """Where each code point of a scalar's value stands in the file.

    Folding, indentation, quotes and escapes are undone by walking the value and the file side by side.

    Args:
        text: The file's text.
        start: Offset of the scalar's first code point (its quote, or its ``|`` or ``>``).
        style: ``'`` or ``"`` (quoted), ``|`` or ``>`` (block), or empty (plain).
        value: The scalar's value.

    Returns:
        One offset a code point, and one for the end.
    """
    at = start
    if style in ("|", ">"):
        while at < len(text) and text[at] not in _BREAKS:
            at += 1
    elif style:
        at += 1
    found: list[int] = []
    for one in value:
        at = _next(text, at, one, style)
        found.append(at)
        at += _size(text, at, one, style)
    return [*found, at]


def _next(text: str, at: int, one: str, style: str) -> int:
    """Where the value's next code point begins: folded line ends and indentation are passed over."""
    if style == '"':
        while text.startswith("\\", at) and text[at + 1 : at + 2] in _BREAKS and at + 1 < len(text):
            at = _skip(text, at + 2)
    if one in _BLANKS:
        return at
    return at if text[at : at + 1] == one else _skip(text, at)


def _skip(text: str, at: int) -> int:
    while at < len(text) and text[at] in _BLANKS:
        at += 1
    return at


def _size(text: str, at: int, one: str, style: str) -> int:
    """How long the code point at an offset is in the file."""
    if style == '"' and text.startswith("\\", at):
        return 2 + _ESCAPED.get(text[at + 1 : at + 2], 0)
    if style == "'" and one == "'":
        return 2
    if one in _BLANKS and text[at : at + 1] != one and text[at : at + 1] not in _BREAKS:
        return 0
    return 1

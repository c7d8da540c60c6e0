"""Between offsets in a text and its lines and columns."""

from __future__ import annotations

import re

from dashpipe.spec.diagnostic import Span

#: A line end.
BREAK = re.compile(r"\r\n|\r|\n")


def span(text: str, start: int, end: int) -> Span:
    """The span between two offsets of a text; what lies beyond its end is its end."""
    start, end = min(start, len(text)), min(end, len(text))
    return Span(*_place(text, start), *_place(text, end))


def end_of(text: str, place: Span) -> int:
    """The offset at which a span ends."""
    at = 0
    for _ in range(place.end_line - 1):
        found = BREAK.search(text, at)
        if found is None:
            break
        at = found.end()
    return at + place.end_column - 1


def line_start(text: str, at: int) -> int:
    """The offset at which the line of an offset begins."""
    return max(text.rfind("\n", 0, at), text.rfind("\r", 0, at)) + 1


def rest_of_line(text: str, at: int) -> str:
    """From an offset to the end of its line, without a comment and the blanks before it."""
    line = BREAK.split(text[at : at + 2000], maxsplit=1)[0]
    return line.split(" #", 1)[0].rstrip()


def word_at(text: str, at: int) -> tuple[int, int]:
    """The offsets of the word that begins at an offset; of the one character where none does."""
    match = re.compile(r"[\w.-]+|\S|").match(text, at)
    assert match is not None
    return at, match.end()


def _place(text: str, at: int) -> tuple[int, int]:
    line, begin = 1, 0
    for match in BREAK.finditer(text, 0, at):
        line, begin = line + 1, match.end()
    return line, at - begin + 1

"""The lines of a file around a span, with carets under it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from dashpipe.lint.render.text import safe, width

if TYPE_CHECKING:
    from dashpipe.spec.diagnostic import Span

#: A line longer than this is cut around what it is shown for.
WIDEST = 160
#: Lines shown of a span that goes on for longer.
TALLEST = 6


class Mark(NamedTuple):
    """A span to underline, with a note after the underline."""

    span: Span
    sign: str
    note: str = ""


def snippet(lines: list[str], marks: list[Mark], gutter: int) -> list[tuple[str, str]]:
    """The marked lines of one file, in order.

    Args:
        lines: The file's lines.
        marks: What to underline, the main mark first.
        gutter: The width of the line numbers.

    Returns:
        Pairs of a kind (``code``, or a mark's sign) and the text of one line.
    """
    shown: list[tuple[str, str]] = []
    last = 0
    wanted: dict[int, list[Mark]] = {}
    for mark in marks:
        end = max(mark.span.line, mark.span.end_line - (mark.span.end_column == 1))
        for number in range(mark.span.line, min(end, mark.span.line + TALLEST - 1) + 1):
            wanted.setdefault(number, []).append(mark)
    for number in sorted(wanted):
        text = lines[number - 1] if number <= len(lines) else ""
        if last and number > last + 1:
            shown.append(("code", f"{'...':<{gutter}} |"))
        offset, end = _cut(text, wanted[number][0].span, number)
        shown.append(("code", f"{number:>{gutter}} | {safe(text[offset:end])}".rstrip()))
        for mark in wanted[number]:
            under = _underline(text[:end], offset, mark, number)
            if under:
                shown.append((mark.sign, f"{'':>{gutter}} | {under}"))
        last = number
    return shown


def _cut(text: str, span: Span, number: int) -> tuple[int, int]:
    """Which part of a line is shown, as offsets."""
    if len(text) <= WIDEST:
        return 0, len(text)
    start = span.column - 1 if number == span.line else 0
    offset = max(0, min(start - WIDEST // 4, len(text) - WIDEST))
    return offset, offset + WIDEST


def _underline(text: str, offset: int, mark: Mark, number: int) -> str:
    """The underline of a mark on one line; the note stands on its last line."""
    span = mark.span
    start = span.column - 1 if number == span.line else len(text) - len(text.lstrip())
    end = span.end_column - 1 if number == span.end_line else len(text.rstrip())
    start, end = max(start, offset), min(max(end, start), max(len(text), start))
    before = width(safe(text[offset:start])) + max(0, start - max(offset, len(text)))
    long = max(1, width(safe(text[start:end])))
    is_last = number == span.end_line or number == span.line + TALLEST - 1
    note = f" {mark.note}" if mark.note and is_last else ""
    return " " * before + mark.sign * long + note

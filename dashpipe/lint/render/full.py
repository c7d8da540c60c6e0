"""The full format, for people: what is wrong, the line with a caret under it, what to write instead."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dashpipe.lint.render.snippet import Mark, snippet
from dashpipe.lint.render.summary import summary
from dashpipe.lint.render.text import flat, safe
from dashpipe.spec.diagnostic import Diagnostic, Severity

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_BOLD, _RED, _YELLOW, _BLUE, _GREEN, _OFF = (
    "\x1b[1m",
    "\x1b[31m",
    "\x1b[33m",
    "\x1b[34m",
    "\x1b[32m",
    "\x1b[0m",
)


def render(findings: Sequence[Diagnostic], sources: Mapping[str, str], color: bool, /) -> str:
    """Every finding as a framed block, then the counts."""
    lines = {file: text.splitlines() for file, text in sources.items()}
    blocks = [_block(one, lines, color) for one in findings]
    return "".join(f"{block}\n\n" for block in blocks) + f"{summary(findings)}\n"


def _block(one: Diagnostic, lines: Mapping[str, list[str]], color: bool) -> str:
    def paint(text: str, *codes: str) -> str:
        return f"{''.join(codes)}{text}{_OFF}" if color else text

    tone = _RED if one.severity is Severity.ERROR else _YELLOW
    here = [other for other in one.related if other.file == one.file]
    elsewhere = [other for other in one.related if other.file != one.file]
    last = max([one.span.end_line, *(other.span.end_line for other in one.related)])
    gutter = len(str(last))
    head = paint(f"{one.severity.value}[{one.code}]", _BOLD, tone) + paint(f" {one.name}: ", _BOLD)
    out = [head + paint(flat(one.message), _BOLD)]

    def show(arrow: str, file: str, marks: list[Mark]) -> None:
        span = marks[0].span
        out.append(f"{'':>{gutter}}{paint(arrow, _BLUE)} {safe(file)}:{span.line}:{span.column}")
        if file in lines:
            out.append(f"{'':>{gutter}} |")
            for kind, text in snippet(lines[file], marks, gutter):
                out.append(paint(text, tone if kind == "^" else _BLUE) if kind != "code" else text)
        elif marks[0].note:
            out[-1] += f" {marks[0].note}"

    show("-->", one.file, [Mark(one.span, "^"), *(Mark(o.span, "-", flat(o.message)) for o in here)])
    for other in elsewhere:
        show(":::", other.file, [Mark(other.span, "-", flat(other.message))])
    if one.help:
        first, *rest = one.help.split("\n")
        out.append(f"{'':>{gutter}} {paint('= help:', _GREEN)} {safe(first)}")
        out.extend(f"{'':>{gutter}}         {safe(text)}" for text in rest)
    if one.fix is not None:
        out.append(f"{'':>{gutter}} {paint('= fix:', _GREEN)} {flat(one.fix.message)} (with --fix)")
    return "\n".join(out)

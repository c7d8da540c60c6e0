"""The concise format: one line a finding, as compilers print them and editors read them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dashpipe.lint.render.text import flat

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dashpipe.spec.diagnostic import Diagnostic


def render(findings: Sequence[Diagnostic], _sources: Mapping[str, str], _color: bool, /) -> str:
    """``file:line:column: severity CODE name: message; help``, one a line."""
    return "".join(f"{line(one)}\n" for one in findings)


def line(one: Diagnostic) -> str:
    """A finding as one line of text."""
    place = f"{one.file}:{one.span.line}:{one.span.column}"
    text = f"{place}: {one.severity.value} {one.code} {one.name}: {flat(one.message)}"
    return f"{text}; {flat(one.help)}" if one.help else text

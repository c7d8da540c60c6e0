"""The GitHub format: workflow commands, which GitHub shows beside the lines of a pull request.

GitHub refuses columns on an annotation over several lines, so they are left out there; plain logs drop the
properties, so place and code are repeated in the message. It shows ten annotations of each kind a step: the
whole list belongs in the step's summary (``step_summary``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dashpipe.lint.render.concise import line
from dashpipe.lint.render.summary import summary

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dashpipe.spec.diagnostic import Diagnostic

#: GitHub refuses a step's summary above 1 MiB; this leaves room for what other tools wrote before.
SUMMARY_LIMIT = 900_000


def render(findings: Sequence[Diagnostic], _sources: Mapping[str, str], _color: bool, /) -> str:
    """One ``::error`` or ``::warning`` command a finding."""
    return "".join(_command(one) for one in findings)


def _command(one: Diagnostic) -> str:
    span = one.span
    properties = {
        "title": f"dashpipe {one.code} {one.name}",
        "file": one.file,
        "line": str(span.line),
        "endLine": str(span.end_line),
    }
    if span.line == span.end_line:
        properties |= {"col": str(span.column), "endColumn": str(span.end_column)}
    listed = ",".join(f"{key}={_property(value)}" for key, value in properties.items())
    text = f"{one.file}:{span.line}:{span.column}: {one.code} {one.message}"
    if one.help:
        text += f"\n{one.help}"
    return f"::{one.severity.value} {listed}::{_data(text)}\n"


def step_summary(findings: Sequence[Diagnostic]) -> str:
    """The whole list in Markdown, for the file that ``GITHUB_STEP_SUMMARY`` names."""
    text = f"### dashpipe lint: {summary(findings)}\n\n"
    size = len(text)
    for index, one in enumerate(findings):
        item = f"- `{line(one).replace('`', chr(39))}`\n"
        size += len(item.encode())
        if size > SUMMARY_LIMIT:
            return f"{text}- and {len(findings) - index} more\n"
        text += item
    return text


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")

"""The JSON format: one versioned document, for programs.

``version`` grows when a key changes its meaning or goes; new keys may come without. Lines and columns count
from 1, columns in code points; the end is exclusive. ``file`` is relative to the project's root.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from dashpipe.lint.render.summary import counts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dashpipe.spec.diagnostic import Diagnostic, Fix, Span

VERSION = 1


def render(findings: Sequence[Diagnostic], _sources: Mapping[str, str], _color: bool, /) -> str:
    """All findings and their counts as one document."""
    document = {
        "version": VERSION,
        "summary": counts(findings),
        "findings": [as_json(one) for one in findings],
    }
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"


def as_json(one: Diagnostic) -> dict[str, Any]:
    """A finding as plain values."""
    return {
        "code": one.code,
        "name": one.name,
        "severity": one.severity.value,
        "message": one.message,
        "help": one.help,
        "file": one.file,
        **_span(one.span),
        "path": list(one.path),
        "related": [
            {"file": other.file, **_span(other.span), "message": other.message} for other in one.related
        ],
        "fix": _fix(one.fix),
    }


def _span(span: Span) -> dict[str, int]:
    return {
        "line": span.line,
        "column": span.column,
        "end_line": span.end_line,
        "end_column": span.end_column,
    }


def _fix(fix: Fix | None) -> dict[str, Any] | None:
    if fix is None:
        return None
    return {"message": fix.message, "edits": [{**_span(edit.span), "text": edit.text} for edit in fix.edits]}

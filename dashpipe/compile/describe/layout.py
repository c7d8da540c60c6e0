"""Text for people to read: JSON of which what fits stands on one line, and long lines in pieces."""

from __future__ import annotations

import json
from textwrap import wrap
from typing import Any

_WIDTH = 110


def laid_out(value: Any, indent: int = 0, before: int = 0) -> str:
    """JSON text in which each object and list that fits is one line; the order of keys is kept.

    Args:
        value: Of plain JSON types.
        indent: Where its further lines begin.
        before: How many characters stand before it on its first line, and behind its last.
    """
    short = json.dumps(value, ensure_ascii=False)
    if indent + before + len(short) <= _WIDTH or not isinstance(value, (dict, list)) or not value:
        return short
    inner = " " * (indent + 2)
    if isinstance(value, dict):
        names = [f"{json.dumps(name, ensure_ascii=False)}: " for name in value]
        parts = [
            f"{name}{laid_out(one, indent + 2, len(name) + 1)}" for name, one in zip(names, value.values())
        ]
        opening, closing = "{", "}"
    else:
        parts = [laid_out(one, indent + 2, 1) for one in value]
        opening, closing = "[", "]"
    body = ",\n".join(f"{inner}{one}" for one in parts)
    return f"{opening}\n{body}\n{' ' * indent}{closing}"


def folded(line: str) -> str:
    """A line in pieces that are not too long; those after the first are deeper."""
    deeper = " " * (len(line) - len(line.lstrip()) + 4)
    return "\n".join(
        wrap(line, _WIDTH, subsequent_indent=deeper, break_long_words=False, break_on_hyphens=False) or [""]
    )

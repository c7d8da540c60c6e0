"""What ``[allow] files`` in ``dashpipe.toml`` names: patterns of paths and of URLs."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable
from functools import cache


def allowing(patterns: Iterable[str], path: str) -> str | None:
    """The first pattern that names a path or a URL, ``None`` where none does.

    ``*`` and ``?`` stay within one folder, ``**`` goes through folders. What stands before the path of a URL,
    its scheme and host, is never a pattern.
    """
    head, tail = split(path)
    for one in patterns:
        own, rest = split(one)
        if own == head and _pattern(rest).fullmatch(tail):
            return one
    return None


def split(path: str) -> tuple[str, str]:
    """What comes before the path of a URL (``s3://bucket``; empty for a local path), and the path."""
    scheme, sign, rest = path.partition("://")
    if not sign:
        return "", posixpath.normpath(path)
    host, slash, tail = rest.partition("/")
    return f"{scheme}://{host}", posixpath.normpath(slash + tail) if tail else slash


def folder(pattern: str) -> str:
    """The folder that everything a pattern names lies in: its path up to the first wildcard."""
    parts = split(pattern)[1].split("/")[:-1]
    fixed = next((at for at, one in enumerate(parts) if "*" in one or "?" in one), len(parts))
    return "/".join(parts[:fixed]) or ("/" if pattern.startswith("/") else ".")


@cache
def _pattern(text: str) -> re.Pattern[str]:
    signs = {"**/": "(?:[^/]+/)*", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    parts = re.split(r"(\*\*/|\*\*|\*|\?)", text)
    return re.compile("".join(signs.get(one, re.escape(one)) for one in parts), re.DOTALL)

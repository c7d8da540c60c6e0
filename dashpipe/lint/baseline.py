"""The baseline: warnings that an old project lives with, so that only new ones are shown.

A file of JSON, made by ``dashpipe lint --write-baseline --baseline FILE``. A warning is known again by file,
code and message, not by its line, so that edits above it do not bring it back. Errors are never in it: a
spec with an error does not run.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING

from dashpipe.spec.diagnostic import Diagnostic, Severity

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

VERSION = 1
Key = tuple[str, str, str]


class BaselineError(Exception):
    """A baseline file that cannot be read; the text says what to do."""


def write(path: Path, findings: Iterable[Diagnostic]) -> int:
    """Write the warnings among the findings; returns how many."""
    known = Counter(_key(one) for one in findings if one.severity is Severity.WARNING)
    entries = [
        {"file": file, "code": code, "message": message, "count": count}
        for (file, code, message), count in sorted(known.items())
    ]
    document = {"version": VERSION, "findings": entries}
    path.write_text(json.dumps(document, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    return sum(known.values())


def read(path: Path) -> Counter[Key]:
    """The warnings that a baseline file names, each with how often it may be there.

    Raises:
        BaselineError: The file is not there, or is no baseline.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        if document["version"] != VERSION:
            raise ValueError(f"version {document['version']}")
        return Counter(
            {(one["file"], one["code"], one["message"]): int(one["count"]) for one in document["findings"]}
        )
    except FileNotFoundError:
        raise BaselineError(
            f"there is no baseline {path}; `--baseline {path} --write-baseline` writes it"
        ) from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        text = f"{path} is no baseline that this version reads ({error}); `--write-baseline` writes it anew"
        raise BaselineError(text) from None


def apply(findings: Iterable[Diagnostic], known: Counter[Key]) -> tuple[list[Diagnostic], int]:
    """Take the known warnings out.

    Returns:
        The findings that stay, and how many of the baseline's no longer occur.
    """
    left = Counter(known)
    stay = []
    for one in findings:
        key = _key(one)
        if one.severity is Severity.WARNING and left[key] > 0:
            left[key] -= 1
        else:
            stay.append(one)
    return stay, sum(left.values())


def _key(one: Diagnostic) -> Key:
    return (one.file, one.code, one.message)

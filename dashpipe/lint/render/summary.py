"""The line that ends a report: how much there is to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dashpipe.spec.diagnostic import Diagnostic, Severity

if TYPE_CHECKING:
    from collections.abc import Sequence


def counts(findings: Sequence[Diagnostic]) -> dict[str, int]:
    """How many errors, warnings, and findings that ``--fix`` removes."""
    errors = sum(one.severity is Severity.ERROR for one in findings)
    return {
        "errors": errors,
        "warnings": len(findings) - errors,
        "fixable": sum(one.fix is not None for one in findings),
    }


def plural(number: int, word: str) -> str:
    """``1 error``, ``2 errors``."""
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def summary(findings: Sequence[Diagnostic]) -> str:
    """One sentence: errors, warnings and what ``--fix`` can do."""
    number = counts(findings)
    parts = [plural(number[f"{word}s"], word) for word in ("error", "warning") if number[f"{word}s"]]
    text = " and ".join(parts) or "no findings"
    if number["fixable"]:
        text += f"; `dashpipe lint --fix` repairs {number['fixable']}"
    return text

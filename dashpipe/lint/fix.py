"""Fixes: edits by span in the text of a file, so that comments and layout stay."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dashpipe.spec.diagnostic import Diagnostic, Edit, Fix, Span

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def fixes_by_file(findings: Iterable[Diagnostic]) -> dict[str, list[Fix]]:
    """The fixes of the findings, by the file that each changes, in order, each once."""
    found: dict[str, list[Fix]] = {}
    for one in findings:
        if one.fix is not None and one.fix not in found.setdefault(one.file, []):
            found[one.file].append(one.fix)
    return {file: fixes for file, fixes in found.items() if fixes}


def apply(text: str, fixes: Sequence[Fix]) -> tuple[str, int]:
    """Make the edits of several fixes.

    Args:
        text: The file's text, with its own line ends.
        fixes: What to do; one that overlaps an earlier one is left for the next round.

    Returns:
        The new text, and how many fixes were made.
    """
    starts = _line_starts(text)
    taken: list[tuple[int, int, str]] = []
    made = 0
    for fix in fixes:
        edits = [(*_offsets(edit.span, starts), edit.text) for edit in fix.edits]
        if any(
            (start < other_end and other < end) or start == other
            for start, end, _ in edits
            for other, other_end, _ in taken
        ):
            continue
        taken.extend(edits)
        made += 1
    for start, end, new in sorted(taken, reverse=True):
        text = text[:start] + new + text[end:]
    return text, made


def replace(span: Span, text: str, message: str) -> Fix:
    """The fix that writes a text in the place of a span."""
    return Fix(message, (Edit(span, text),))


def _line_starts(text: str) -> list[int]:
    starts = [0]
    for line in text.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    return starts


def _offsets(span: Span, starts: list[int]) -> tuple[int, int]:
    return starts[span.line - 1] + span.column - 1, starts[span.end_line - 1] + span.end_column - 1

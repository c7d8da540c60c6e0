"""Ignore comments: what they silence, and what is wrong with the comments themselves."""

from __future__ import annotations

import pytest

from dashpipe.lint.ignore import apply, comments
from dashpipe.spec.diagnostic import Diagnostic, Severity, Span

KNOWN = {"P003", "C001", "T001"}


def warning(line: int, code: str = "P003") -> Diagnostic:
    """A warning on a line."""
    return Diagnostic(code, "x", Severity.WARNING, "m", "f.yml", Span(line, 1, line, 3))


def run(text: str, *findings: Diagnostic) -> tuple[list[Diagnostic], list[tuple[str, str, int, int]]]:
    """What stays, and code, message, line and column of what is wrong with the comments."""
    stay, problems = apply(findings, comments("f.yml", text, KNOWN))
    told = [(code, one.message, one.at.span.line, one.at.span.column) for code, one in problems]  # type: ignore[union-attr]
    return stay, told


def test_on_the_same_line() -> None:
    """A comment behind a value silences that line, and not the next."""
    text = "a: 1  # dashpipe: ignore[P003] it is a sandbox\nb: 2\n"
    assert run(text, warning(1), warning(2)) == ([warning(2)], [])


def test_on_the_line_above() -> None:
    """A comment that stands alone silences the line below."""
    assert run("# dashpipe: ignore[P003] sandbox\na: 1\nb: 1\n", warning(2), warning(3)) == ([warning(3)], [])


def test_several_codes() -> None:
    """One comment may name several codes; only these are silenced."""
    text = "a: 1  # dashpipe: ignore[P003, C001] sandbox\n"
    assert run(text, warning(1), warning(1, "C001")) == ([], [])


def test_unused_is_a_finding() -> None:
    """A code that silences nothing is told at its place."""
    text = "a: 1  # dashpipe: ignore[P003, C001] sandbox\n"
    assert run(text, warning(1)) == ([], [("L001", "this ignores nothing: there is no C001 here", 1, 32)])


def test_without_reason_is_a_finding() -> None:
    """A comment without a reason silences, and is told."""
    assert run("a: 1  # dashpipe: ignore[P003]\n", warning(1)) == (
        [],
        [("L002", "this ignores without a reason", 1, 7)],
    )


@pytest.mark.parametrize("comment", ["ignore", "ignore P003", "ignore[]", "ignroe[P003] x", "noqa"])
def test_not_understood(comment: str) -> None:
    """A comment to dashpipe that says nothing it understands is told; nothing is silenced by it."""
    assert run(f"a: 1  # dashpipe: {comment}\n", warning(1)) == (
        [warning(1)],
        [("L003", "this comment is not understood", 1, 7)],
    )


def test_unknown_code() -> None:
    """A code that does not exist is told at its place."""
    assert run("a: 1  # dashpipe: ignore[P999] x\n") == (
        [],
        [("L003", "there is no finding `P999`", 1, 26)],
    )


def test_errors_stay() -> None:
    """An error is not silenced, and the comment is told."""
    error = Diagnostic("T001", "x", Severity.ERROR, "m", "f.yml", Span(1, 1, 1, 3))
    assert run("a: 1  # dashpipe: ignore[T001] x\n", error) == (
        [error],
        [("L003", "T001 is an error here, and errors cannot be ignored", 1, 26)],
    )


def test_only_comments_count() -> None:
    """A ``#`` that follows no blank, and lines that are text of a block, are no comments."""
    assert run("a: x#dashpipe: ignore[P003] y\n") == ([], [])
    assert list(comments("f.yml", "# dashpipe: ignore[P003] y\n", KNOWN, covered={1})) == []

"""Edits by span: what is written, and what is left alone."""

from __future__ import annotations

from dashpipe.lint.fix import apply, fixes_by_file, replace
from dashpipe.spec.diagnostic import Diagnostic, Edit, Fix, Severity, Span

TEXT = "a: one  # first\r\nb: two\r\nc: 课程 three\r\n"


def test_edits_keep_comments_and_line_ends() -> None:
    """Only the spans change, also behind wide characters and with Windows line ends."""
    fixes = [replace(Span(1, 4, 1, 7), "1", ""), replace(Span(3, 7, 3, 12), "3", "")]
    assert apply(TEXT, fixes) == ("a: 1  # first\r\nb: two\r\nc: 课程 3\r\n", 2)


def test_a_fix_of_two_edits_is_made_whole_or_not_at_all() -> None:
    """A fix that meets an earlier one waits, with all its edits."""
    first = replace(Span(1, 4, 1, 7), "1", "")
    second = Fix("", (Edit(Span(1, 6, 1, 8), "x"), Edit(Span(2, 4, 2, 7), "2")))
    assert apply(TEXT, [first, second]) == (TEXT.replace("one", "1"), 1)


def test_the_same_fix_of_two_findings_is_made_once() -> None:
    """Two findings that ask for the same edit are repaired by one."""
    fix = replace(Span(1, 4, 1, 7), "1", "")
    one = Diagnostic("S001", "x", Severity.ERROR, "m", "f.yml", Span(1, 4, 1, 7), fix=fix)
    other = Diagnostic("S002", "y", Severity.ERROR, "n", "f.yml", Span(1, 4, 1, 7), fix=fix)
    bare = Diagnostic("S003", "z", Severity.ERROR, "n", "g.yml", Span(1, 4, 1, 7))
    assert fixes_by_file([one, other, bare]) == {"f.yml": [fix]}


def test_an_insertion_at_the_end_of_the_file() -> None:
    """A span behind the last character is a place too."""
    assert apply("a: 1", [replace(Span(1, 5, 1, 5), "\nb: 2", "")]) == ("a: 1\nb: 2", 1)

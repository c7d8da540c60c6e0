"""From issues to findings at their places, without those that follow from a mistake of shape."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dashpipe.spec.diagnostic import Diagnostic, Related, Severity, Span
from dashpipe.spec.issue import NAMES, Issue

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dashpipe.spec.project import Project, SourceFile

#: Findings that a mistake at the top of the same file may have caused: something was not there, or not
#: understood.
FOLLOWERS = frozenset(
    {"N009", "N010", "N016", "Q001", "Q004", "Q006", "Q008", "P003", "P004", "M006", "M008"}
)


def errors_of(file: SourceFile) -> list[Diagnostic]:
    """What is wrong with a file on its own."""
    return [one for one in file.findings if one.severity is Severity.ERROR]


def findings_of(project: Project, issues: Iterable[Issue]) -> set[Diagnostic]:
    """The issues at their places, each once, without those that follow from a mistake of shape."""
    wrong = {file.path: [one.path for one in errors_of(file)] for file in project.files if file.findings}
    found: set[Diagnostic] = set()
    for one in issues:
        if follows(one.code, one.at.path, wrong.get(one.at.file, ())):
            continue
        span = _place(project, one)
        related = tuple(Related(at.file, project.span(at), text) for at, text in one.related)
        found.add(
            Diagnostic(
                one.code,
                NAMES[one.code],
                Severity.ERROR,
                one.message,
                one.at.file,
                span,
                one.at.path,
                related,
                one.help,
            )
        )
    return found


def follows(code: str, path: tuple[str | int, ...], wrong: Iterable[tuple[str | int, ...]]) -> bool:
    """Whether a finding follows from a mistake of shape: of the same value, or of what it lies in."""
    for one in wrong:
        if one and path[: len(one)] == one:
            return True
        if code in FOLLOWERS and (len(one) < 2 or one[: len(path)] == path):
            return True
        if code == "M007" and one[:1] in ((), path[:1]):
            return True  # what is refused in a metric is not what makes it differ from another
    return False


def _place(project: Project, issue: Issue) -> Span:
    if issue.part is not None:
        from dashpipe.spec.place import part_span  # needed for few findings only

        return part_span(project, issue.at, *issue.part)
    return project.span(issue.at, issue.on_key)

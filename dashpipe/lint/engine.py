"""The engine: all findings of a project, from reading its files to the last rule, in one run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dashpipe.lint import expressions, ignore
from dashpipe.lint.known import Known
from dashpipe.lint.rule import Problem, Rule
from dashpipe.lint.rules import checks, codes
from dashpipe.lint.view import View
from dashpipe.spec.diagnostic import Diagnostic, Related, Severity, Span
from dashpipe.spec.node import Map, Seq
from dashpipe.spec.placed import follows
from dashpipe.spec.project import SETTINGS
from dashpipe.spec.whole import concerns, files_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import date

    from dashpipe.lint.rule import At
    from dashpipe.spec.model import Subject
    from dashpipe.spec.node import Node
    from dashpipe.spec.project import Project, SourceFile

#: Names and severities of the findings that no rule's function gives: expressions, and lint itself.
NAMES = {
    "E001": "bad-expression",
    "E002": "parts-do-not-fit",
    "E003": "type-unknown",
    "E004": "dimension-type",
    "E005": "array-in-aggregate",
    "E006": "dimension-types-differ",
    "E007": "part-no-number",
    "E008": "derived-of-nothing",
    "E009": "empty-of-another-type",
    "E010": "metric-in-expression",
    "E011": "field-misspelt",
    "E012": "range-of-no-number",
    "E013": "csv-field-undeclared",
    "E014": "entity-types-differ",
    "L001": "ignores-nothing",
    "L002": "ignore-without-reason",
    "L003": "bad-comment",
    "L005": "lint-broke",
}

#: What follows where the settings cannot be read, and where the types of fields cannot.
_OF_SETTINGS = frozenset({"N016", "P001", "P003", "P006", "P007"})
_OF_TYPES = frozenset({"E003", "E004", "E006", "E011", "E013"})

_WARNINGS = frozenset({"L001", "L002", "L003"})


def lint(project: Project, today: date | None = None) -> list[Diagnostic]:
    """Every finding of a project, in the order of files and lines.

    Args:
        project: The project, as ``spec.project.load`` read it.
        today: The day that rules about the future go by (default: today in UTC).

    Returns:
        The findings of reading, shape, names, expressions and rules, less those that comments ignore. A
        rule that breaks is a finding of its own (`broke`), and keeps no other from being shown.
    """
    resolved = project.resolved()
    view = View(project, resolved.every, today, resolved.models)
    read = [*project.findings, *(one for file in project.files for one in file.findings)]
    wrong: dict[str, list[tuple[str | int, ...]]] = {}
    for one in read:
        if one.severity is Severity.ERROR and one.code[0] in "YS":
            wrong.setdefault(one.file, []).append(one.path)
    unset = () in wrong.get(SETTINGS, ())
    found = [*read, *(one for one in resolved.findings if not (unset and one.code in _OF_SETTINGS))]
    made = _Findings(view, wrong)
    known = Known()
    for subject in resolved.models:
        made.collect(subject, "expressions", lambda one: expressions.check(one, view, known, model=True))
    for subject in resolved.every:
        made.collect(subject, "expressions", lambda one: expressions.check(one, view, known))
    for rule in checks():
        made.rule(rule)
    stay, problems = ignore.apply({*found, *made.found}, _comments(project))
    # What a comment is for is only known once every file can be read.
    told = [(code, problem) for code, problem in problems if code != "L001" or not wrong]
    stay += [made.finding(code, NAMES[code], severity(code), problem) for code, problem in told]
    return sorted(set(stay), key=lambda one: one.sort_key)


def broke(findings: Iterable[Diagnostic]) -> bool:
    """Whether lint itself broke: what it says is not all that there is to say."""
    return any(one.code == "L005" for one in findings)


def refused(subjects: Iterable[Subject], findings: Iterable[Diagnostic]) -> dict[str, list[Diagnostic]]:
    """The errors of each subject that has any, by its id: such a subject is neither compiled nor run."""
    by_file: dict[str, list[Diagnostic]] = {}
    for one in findings:
        if one.severity is Severity.ERROR:
            by_file.setdefault(one.file, []).append(one)
    found: dict[str, list[Diagnostic]] = {}
    for subject in subjects:
        mine = [
            one
            for file in sorted(files_of(subject))
            for one in by_file.get(file, ())
            if concerns(subject, one)
        ]
        if mine:
            found.setdefault(subject.id, []).extend(mine)
    return found


class _Findings:
    """Turns problems into findings while the rules run."""

    def __init__(self, view: View, wrong: dict[str, list[tuple[str | int, ...]]]) -> None:
        self.view = view
        self.wrong = wrong
        self.found: set[Diagnostic] = set()

    def rule(self, rule: Rule) -> None:
        """Run one rule over all that it looks at."""
        check = rule.subject
        if check is not None:
            for subject in self.view.subjects:
                self.collect(
                    subject,
                    rule.code,
                    lambda one: ((rule.code, each) for each in check(one, self.view)),
                    rule,
                )
        if rule.whole is not None:
            whole = rule.whole
            self.collect(None, rule.code, lambda _: ((rule.code, each) for each in whole(self.view)), rule)

    def collect(
        self,
        subject: Subject | None,
        what: str,
        run: Callable[[Subject], Iterator[tuple[str, Problem]]],
        rule: Rule | None = None,
    ) -> None:
        """Keep what a check finds; where it breaks, that is a finding."""
        try:
            for code, problem in run(subject):  # type: ignore[arg-type]  # a rule of the whole takes none
                at = problem.at
                if follows(code, at.path, self.wrong.get(at.file, ())):
                    continue
                if code in _OF_SETTINGS and () in self.wrong.get(SETTINGS, ()):
                    continue
                if code in _OF_TYPES and subject is not None and self._untyped(subject):
                    continue
                name, level = (rule.name, rule.severity) if rule else (NAMES[code], Severity.ERROR)
                self.found.add(self.finding(code, name, level, problem, subject))
        except Exception as error:  # noqa: BLE001 (a rule that breaks must not hide what the others find)
            file = subject.origin.file if subject is not None else SETTINGS
            span = self.view.span(subject.origin) if subject is not None else Span(1, 1, 1, 1)
            text = f"the check {what} broke here: {type(error).__name__}: {' '.join(str(error).split())}"
            help = "this is a mistake in dashpipe: please report it with this file; the other findings hold"
            self.found.add(Diagnostic("L005", NAMES["L005"], Severity.ERROR, text, file, span, help=help))

    def _untyped(self, subject: Subject) -> bool:
        """Whether the types of a subject's fields could not all be read."""
        paths = (path for file in files_of(subject) for path in self.wrong.get(file, ()))
        return any(not path or "fields" in path for path in paths)

    def finding(
        self, code: str, name: str, level: Severity, problem: Problem, subject: Subject | None = None
    ) -> Diagnostic:
        """A problem at its place."""
        at = self.view.placed(problem.at)
        related = [self.related(one, text) for one, text in problem.related]
        elsewhere = subject is not None and code[0] != "E" and at.file not in (subject.origin.file, SETTINGS)
        if subject is not None and elsewhere and all(one.file != subject.origin.file for one in related):
            related.append(self.related(subject.origin.at("subject"), "taken by this subject"))
        return Diagnostic(
            code,
            name,
            level,
            problem.message,
            at.file,
            self.view.span(at, problem.on_key),
            at.path,
            tuple(related),
            problem.help,
            problem.fix,
        )

    def related(self, at: At, text: str) -> Related:
        """Another place."""
        return Related(at.file, self.view.span(at), text)


def severity(code: str) -> Severity:
    """The severity of a finding of ``NAMES``."""
    return Severity.WARNING if code in _WARNINGS else Severity.ERROR


def _comments(project: Project) -> Iterator[ignore.Ignore]:
    known = codes()
    for file in project.files:
        if "dashpipe:" in file.text and "#" in file.text:
            yield from ignore.comments(file.path, file.text, known, _covered(file))


def _covered(file: SourceFile) -> set[int]:
    """The lines on which a ``#`` is text: those of values over several lines, and of quoted ones."""
    lines: set[int] = set()
    stack: list[Node] = [] if file.node is None else [file.node]
    while stack:
        one = stack.pop()
        if isinstance(one, Map):
            stack += [entry.value for entry in one.entries]
        elif isinstance(one, Seq):
            stack += one.items
        elif one.style in ("|", ">") or one.span.line != one.span.end_line:
            lines.update(range(one.span.line + (one.style in ("|", ">")), one.span.end_line + 1))
        elif one.style and "#" in one.text and "dashpipe:" in one.text:
            lines.add(one.span.line)
    return lines

"""``# dashpipe: ignore[CODE] reason``: comments that silence a warning, on its line or on the line above it.

Errors are not silenced: a spec with an error does not run, with or without a comment.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from dashpipe.lint.rule import Place, Problem
from dashpipe.spec.diagnostic import Diagnostic, Severity, Span

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

_COMMENT = re.compile(r"(?:^|(?<=\s))#\s*dashpipe:\s*(?P<body>.*)$")
_IGNORE = re.compile(r"ignore\s*\[(?P<codes>[^\]]*)\]\s*(?P<reason>.*)$")


class Ignore(NamedTuple):
    """One comment: the codes that it names, each with its place, and what is wrong with it."""

    file: str
    line: int
    alone: bool
    codes: tuple[tuple[str, Span], ...]
    problems: tuple[tuple[str, Problem], ...]

    def covers(self, finding: Diagnostic) -> bool:
        """Whether a finding is on the comment's line, or on the one below a comment that stands alone."""
        lines = (self.line, self.line + 1) if self.alone else (self.line,)
        return finding.file == self.file and finding.span.line in lines


def comments(file: str, text: str, known: Collection[str], covered: Collection[int] = ()) -> Iterator[Ignore]:
    """The comments of a file that speak to dashpipe.

    Args:
        file: Its name.
        text: Its text.
        known: The codes that there are.
        covered: Lines on which a ``#`` is text of a value (the lines of block scalars).
    """
    if "dashpipe:" not in text:
        return
    for number, line in enumerate(text.splitlines(), 1):
        match = _COMMENT.search(line)
        if match is not None and number not in covered:
            yield _read(file, number, line, match, known)


def _read(file: str, number: int, line: str, match: re.Match[str], known: Collection[str]) -> Ignore:
    alone = not line[: match.start()].strip()

    def span(start: int, end: int) -> Span:
        return Span(number, start + 1, number, end + 1)

    body = _IGNORE.match(match["body"])
    at = match.start("body")
    if body is None or not body["codes"].strip():
        place = Place(file, span(match.start(), len(line.rstrip())))
        text, help = "this comment is not understood", "write `# dashpipe: ignore[CODE] why it is right here`"
        return Ignore(file, number, alone, (), (("L003", Problem(place, text, help)),))
    codes: list[tuple[str, Span]] = []
    problems: list[tuple[str, Problem]] = []
    offset = at + body.start("codes")
    for part in body["codes"].split(","):
        code = part.strip()
        start = offset + len(part) - len(part.lstrip())
        place = Place(file, span(start, start + max(1, len(code))))
        offset += len(part) + 1
        if code in known:
            codes.append((code, place.span))
        else:
            text = f"there is no finding `{code}`"
            problems.append(("L003", Problem(place, text, "`dashpipe explain` lists all")))
    if not body["reason"].strip():
        place = Place(file, span(match.start(), len(line.rstrip())))
        text = "this ignores without a reason"
        problems.append(("L002", Problem(place, text, "write why after the bracket")))
    return Ignore(file, number, alone, tuple(codes), tuple(problems))


def apply(
    findings: Iterable[Diagnostic], ignores: Iterable[Ignore]
) -> tuple[list[Diagnostic], list[tuple[str, Problem]]]:
    """Take the ignored warnings out.

    Returns:
        The findings that stay, and the problems of the comments themselves, each with its code: what is
        written wrongly, what ignores nothing, and what would ignore an error.
    """
    by_line: dict[tuple[str, int], list[tuple[Ignore, str, Span]]] = {}
    problems: list[tuple[str, Problem]] = []
    unused: dict[tuple[str, Span], str] = {}
    for ignore in ignores:
        problems.extend(ignore.problems)
        for code, span in ignore.codes:
            unused[(ignore.file, span)] = code
            for line in (ignore.line, ignore.line + 1) if ignore.alone else (ignore.line,):
                by_line.setdefault((ignore.file, line), []).append((ignore, code, span))
    stay = []
    for one in findings:
        silenced = False
        for ignore, code, span in by_line.get((one.file, one.span.line), ()):
            if code != one.code:
                continue
            unused.pop((ignore.file, span), None)
            if one.severity is Severity.ERROR:
                text = f"{code} is an error here, and errors cannot be ignored"
                cure = "mend it, then take the comment out"
                problems.append(("L003", Problem(Place(ignore.file, span), text, cure)))
            else:
                silenced = True
        if not silenced:
            stay.append(one)
    for (file, span), code in unused.items():
        text = f"this ignores nothing: there is no {code} here"
        problems.append(("L001", Problem(Place(file, span), text, "take the comment out")))
    return stay, problems

"""The page of what is refused: each code that it names is an error of lint, under its heading."""

from __future__ import annotations

import re

from dashpipe.lint.rules import catalogue
from dashpipe.spec.diagnostic import Severity
from tests.docs.fences import ROOT

_LINK = re.compile(r"\[([A-Z]\d{3})\]\(reference/findings\.md#([a-z0-9-]+)\)")


def test_what_is_refused_is_refused() -> None:
    """A code of the page is a rule whose severity is error, and its link leads to it."""
    named = _LINK.findall((ROOT / "docs" / "limits.md").read_text(encoding="utf-8"))
    rules = {one.code: one for one in catalogue()}
    assert len(named) >= 20
    wrong = [
        code
        for code, anchor in named
        if code not in rules
        or rules[code].severity is not Severity.ERROR
        or anchor != f"{code.lower()}-{rules[code].name}"
    ]
    assert wrong == []

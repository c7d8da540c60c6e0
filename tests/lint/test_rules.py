"""Every rule's own examples: the bad one gives its finding and no other, the good one gives none."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from dashpipe.lint import engine
from dashpipe.lint.rule import FAMILIES, Rule
from dashpipe.lint.rules import MODULES, catalogue, checks, codes
from dashpipe.spec import issue
from dashpipe.spec.codes import CODES
from dashpipe.spec.diagnostic import Diagnostic, Severity
from tests.lint import cases
from tests.lint.test_wrong import found_in

RULES = catalogue()


def files_of(example: str) -> dict[str, str]:
    """The sound project with an example in it: keys of the subject, or whole files after ``# file: NAME``."""
    files = cases.base_files()
    parts = re.split(r"^# file: (\S+)\n", example.lstrip("\n"), flags=re.MULTILINE)
    if len(parts) == 1:
        text = example if example.endswith("\n") else f"{example}\n"
        files[cases.SUBJECT] = cases.edited(files[cases.SUBJECT], text.lstrip("\n"))
    for name, text in zip(parts[1::2], parts[2::2], strict=True):
        files[name] = text
    return files


def said(findings: list[Diagnostic]) -> list[str]:
    """The findings in one line each, for the message of a failed test."""
    return [f"{one.code} {one.file}:{one.span.line} {one.message}" for one in findings]


@pytest.mark.parametrize("rule", [one for one in RULES if one.bad], ids=lambda rule: rule.code)
def test_bad_example_gives_the_finding(rule: Rule, tmp_path: Path) -> None:
    """The bad example of a rule has its finding, and nothing else is wrong with it."""
    findings = found_in(files_of(rule.bad), tmp_path)
    assert {one.code for one in findings} == {rule.code}, said(findings)
    assert {(one.name, one.severity) for one in findings} == {(rule.name, rule.severity)}
    assert all(one.help for one in findings)


@pytest.mark.parametrize("rule", [one for one in RULES if one.good], ids=lambda rule: rule.code)
def test_good_example_gives_none(rule: Rule, tmp_path: Path) -> None:
    """The good example of a rule is sound."""
    assert said(found_in(files_of(rule.good), tmp_path)) == []


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_rule_is_documented(rule: Rule) -> None:
    """A rule says what and why in whole sentences, and is of a family."""
    assert rule.family in FAMILIES
    assert rule.what.endswith(".")
    assert rule.why.endswith(".")
    # Only a mistake of dashpipe itself has no example.
    assert bool(rule.bad) == bool(rule.good) == (rule.code != "L005")


def test_list_of_modules_is_the_folder() -> None:
    """The list of rules is what lies in the folder, each module under its own code and name."""
    folder = Path(engine.__file__).parent / "rules"
    assert sorted(MODULES) == sorted(one.stem for one in folder.glob("*.py") if one.stem != "__init__")
    assert [one.code for one in RULES] == sorted(codes())
    for module, rule in zip(sorted(MODULES), sorted(RULES, key=lambda one: one.code.lower()), strict=True):
        assert module.startswith(f"{rule.code.lower()}_")


def test_every_finding_has_a_page() -> None:
    """Each code that reading, names, typing or lint itself can give is documented, under its name."""
    pages = {one.code: (one.name, one.severity) for one in RULES}
    given = dict(CODES)
    given |= {code: (name, Severity.ERROR) for code, name in issue.NAMES.items()}
    given |= {code: (name, engine.severity(code)) for code, name in engine.NAMES.items()}
    given |= {one.code: (one.name, one.severity) for one in checks()}
    given["L004"] = ("file-not-read", Severity.ERROR)
    assert given == pages

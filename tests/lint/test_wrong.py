"""Wrong specs, each with everything that lint says of it: code, message, help and place."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from dashpipe.lint import broke, lint
from dashpipe.spec.diagnostic import Diagnostic
from dashpipe.spec.project import load
from tests.lint import cases

TODAY = date(2026, 6, 1)
CASES = [case for path in sorted((cases.HERE / "wrong").glob("*.yml")) for case in cases.load(path)]


def found_in(files: dict[str, str], folder: Path) -> list[Diagnostic]:
    """What lint says of a project of these files."""
    cases.write(files, folder)
    return lint(load(folder), TODAY)


def expected(case: cases.Case) -> list[tuple[str, str, str, str, Any]]:
    """Code, message, help, file and span of each finding of a case."""
    found = []
    for index, one in enumerate(case.expect):
        code = next(key for key in one if key not in ("help", "at"))
        file, span = case.places[one.get("at", index)]
        found.append((code, one[code], one.get("help", ""), file, span))
    return found


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_wrong_spec(case: cases.Case, tmp_path: Path) -> None:
    """A wrong spec has exactly its findings: none is missed, and none follows from another."""
    assert case.expect, "a case without expectation proves nothing"
    findings = found_in(case.files, tmp_path)
    assert not broke(findings)
    got = [(one.code, one.message, one.help, one.file, one.span) for one in findings]
    assert got == expected(case)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_every_marked_place_is_expected(case: cases.Case) -> None:
    """Each marked place is that of a finding, and each finding says what to write."""
    used = {one.get("at", index) for index, one in enumerate(case.expect)}
    assert used == set(range(len(case.places)))
    assert all(one.get("help") for one in case.expect)


def test_ids_differ() -> None:
    """Each case is found by its id."""
    assert len({case.id for case in CASES}) == len(CASES) >= 150


def test_sound_project_has_no_findings(tmp_path: Path) -> None:
    """The project that all cases start from is sound, so that what they find is of their own edit."""
    assert found_in(cases.base_files(), tmp_path) == []

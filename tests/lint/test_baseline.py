"""The baseline: warnings of an old project, known again wherever they have moved."""

from __future__ import annotations

from pathlib import Path

import pytest

from dashpipe.lint import baseline
from dashpipe.spec.diagnostic import Diagnostic, Severity, Span

WARNING = Diagnostic("P003", "no-owner", Severity.WARNING, "no owner", "metrics/a.yml", Span(3, 1, 3, 8))
ERROR = WARNING._replace(severity=Severity.ERROR, code="T001")


def test_known_warnings_go_and_new_ones_stay(tmp_path: Path) -> None:
    """A warning of the baseline is taken out on whatever line it is now; one more of the same kind is new."""
    path = tmp_path / "baseline.json"
    assert baseline.write(path, [WARNING]) == 1
    moved = WARNING._replace(span=Span(90, 1, 90, 8))
    assert baseline.apply([moved, WARNING], baseline.read(path)) == ([WARNING], 0)


def test_errors_are_never_in_it(tmp_path: Path) -> None:
    """An error stays a finding, even if a baseline names it."""
    path = tmp_path / "baseline.json"
    assert baseline.write(path, [ERROR]) == 0
    text = path.read_text()
    path.write_text(
        text.replace("[]", '[{"file": "metrics/a.yml", "code": "T001", "message": "no owner", "count": 1}]')
    )
    assert baseline.apply([ERROR], baseline.read(path)) == ([ERROR], 1)


def test_what_no_longer_occurs_is_counted(tmp_path: Path) -> None:
    """Entries that nothing matches any more are told, so that the file can shrink."""
    path = tmp_path / "baseline.json"
    baseline.write(path, [WARNING, WARNING])
    assert baseline.apply([WARNING], baseline.read(path)) == ([], 1)


@pytest.mark.parametrize(
    "text", ["", "[]", '{"version": 9, "findings": []}', '{"version": 1, "findings": [3]}']
)
def test_another_file_is_refused_with_the_cure(tmp_path: Path, text: str) -> None:
    """A file that is no baseline is named, with what writes one."""
    path = tmp_path / "baseline.json"
    path.write_text(text)
    with pytest.raises(baseline.BaselineError, match="--write-baseline"):
        baseline.read(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """A baseline that is not there is said, with the command that writes it."""
    with pytest.raises(baseline.BaselineError, match="there is no baseline"):
        baseline.read(tmp_path / "none.json")

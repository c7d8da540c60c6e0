"""The generated pages and the published schema are what the code says now."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from tests.docs.fences import ROOT

sys.path.insert(0, str(ROOT / "docs"))
try:
    import make_reference
finally:
    sys.path.pop(0)


@pytest.fixture(scope="module")
def pages():
    """The pages as the code gives them."""
    return make_reference.pages()


def test_pages_are_fresh(pages):
    """Each page in the repository is what `make docs` would write, in a process of its own as that is."""
    made = [sys.executable, str(ROOT / "docs" / "make_reference.py"), "--check"]
    done = subprocess.run(made, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"run `make docs`: {done.stdout}{done.stderr}"
    assert {path.name for path in (ROOT / "docs" / "reference").iterdir()} == {
        path.name for path in pages if path.suffix == ".md"
    }


def test_every_finding_has_its_part(pages):
    """The page of findings has a part for each code, that the table at its head links to."""
    from dashpipe.lint.rules import catalogue

    text = pages[ROOT / "docs" / "reference" / "findings.md"]
    heads = re.findall(r"^### ([A-Z]\d{3}) (\S+)$", text, re.MULTILINE)
    assert heads == [(one.code, one.name) for one in sorted(catalogue(), key=_place)]
    assert set(re.findall(r"\]\(#([a-z]\d{3}-[^)]+)\)", text)) == {
        f"{code.lower()}-{name}" for code, name in heads
    }


def _place(rule):
    from dashpipe.lint.rule import FAMILIES

    return list(FAMILIES).index(rule.family), rule.code


def test_every_command_has_its_part(pages):
    """The page of commands has each command, those of groups too."""
    text = pages[ROOT / "docs" / "reference" / "commands.md"]
    from dashpipe.cli.commands import COMMANDS

    heads = re.findall(r"^## (.*)$", text, re.MULTILINE)
    assert {f"dashpipe {name}" for name in COMMANDS} | {"dashpipe", "dashpipe embedded start"} <= set(heads)


def test_tables_are_whole(pages):
    """Each line of a table has as many cells as its head."""
    for path, text in pages.items():
        cells = None
        for line in text.splitlines():
            if not line.startswith("|"):
                cells = None
                continue
            found = len(re.findall(r"(?<!\\)\|", line))
            assert cells in (None, found), f"{path.name}: {line}"
            cells = found


def test_check_says_what_is_stale(tmp_path, monkeypatch, capsys):
    """`--check` writes nothing, names the stale page, and exits with 1; writing it makes it fresh."""
    page = tmp_path / "docs" / "reference" / "page.md"
    monkeypatch.setattr(make_reference, "HERE", tmp_path / "docs")
    monkeypatch.setattr(make_reference, "pages", lambda: {page: "new\n"})
    page.parent.mkdir(parents=True)
    assert make_reference.main(["--check"]) == 1
    assert "docs/reference/page.md" in capsys.readouterr().err
    assert not page.exists()
    assert make_reference.main([]) == 0
    assert make_reference.main(["--check"]) == 0
    assert page.read_text("utf-8") == "new\n"


def test_script_runs_by_itself():
    """`make docs` calls the script; as a process of its own it finds what it needs."""
    command = [sys.executable, str(ROOT / "docs" / "make_reference.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")

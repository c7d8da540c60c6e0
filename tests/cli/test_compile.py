"""``dashpipe compile``: what it writes, says and exits with."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from dashpipe.cli import shell
from tests.compile.projects import project, subject, write


def compile_(root: Path, *arguments: str) -> int:
    return shell.run(["compile", "--project", str(root), *arguments])


def test_writes_the_manifest_and_says_what(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It writes beside the DAG files and names what it wrote; a second call has nothing to write."""
    project(tmp_path, "one", "two")
    assert compile_(tmp_path) == 0
    captured = capsys.readouterr()
    assert captured.out.splitlines() == [
        "written  acme_shop_one_v1.json",
        "written  acme_shop_two_v1.json",
        "written  index.json",
    ]
    assert captured.err == "2 subjects, 0 unchanged files\n"
    assert compile_(tmp_path) == 0
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "2 subjects, 3 unchanged files\n")


def test_a_broken_spec_is_said_with_what_runs_instead(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit 1; standard output says what becomes of the subject, standard error where the mistake is."""
    project(tmp_path, "one")
    assert compile_(tmp_path) == 0
    write(
        tmp_path,
        {
            "metrics/shop/one.yml": subject("one").replace("orders_count", "orders_cuont"),
            "metrics/shop/two.yml": subject("two").replace("orders_count", "orders_cuont"),
        },
    )
    capsys.readouterr()
    assert compile_(tmp_path) == 1
    captured = capsys.readouterr()
    assert "broken   acme_shop_one_v1 (metrics/shop/one.yml): runs its last good plan\n" in captured.out
    assert (
        "broken   acme_shop_two_v1 (metrics/shop/two.yml): its tasks fail until it is mended\n"
        in captured.out
    )
    assert captured.err.startswith("metrics/shop/one.yml:9:11: error N002 unknown-metric: ")


def test_check_writes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """``--check`` says what it would write and exits 1; when there is nothing, 0."""
    project(tmp_path, "one")
    assert compile_(tmp_path, "--check") == 1
    assert capsys.readouterr().out == "would write  acme_shop_one_v1.json\nwould write  index.json\n"
    assert not (tmp_path / "dags").exists()
    assert compile_(tmp_path) == 0
    assert compile_(tmp_path, "--check") == 0


def test_json_is_one_document(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """``--format json`` prints subjects with their state, files and findings."""
    project(tmp_path, "one")
    write(tmp_path, {"metrics/shop/two.yml": subject("two").replace("orders_count", "orders_cuont")})
    out = tmp_path / "out"
    assert compile_(tmp_path, "--format", "json", "--out", str(out)) == 1
    document = json.loads(capsys.readouterr().out)
    assert document["version"] == 1
    assert document["subjects"] == {"acme_shop_one_v1": "ok", "acme_shop_two_v1": "stub"}
    assert document["written"] == ["acme_shop_one_v1.json", "acme_shop_two_v1.json", "index.json"]
    errors = [one for one in document["findings"] if one["severity"] == "error"]
    assert [one["code"] for one in errors] == ["N002"]
    assert sorted(path.name for path in out.iterdir()) == document["written"]


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It is exit code 2, and names the folder."""
    project(tmp_path, "one")
    (tmp_path / "file").write_text("where a folder should be")
    out = tmp_path / "file" / "out"
    assert compile_(tmp_path, "--out", str(out)) == 2
    assert f"dashpipe: {out} cannot be written" in capsys.readouterr().err


def test_the_examples_compile() -> None:
    """The project's own metrics compile without a finding, also by the JSON Schema."""
    root = Path(__file__).parents[2]
    command = [
        sys.executable,
        "-m",
        "dashpipe",
        "--project",
        str(root),
        "compile",
        "--check",
        "--format",
        "json",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    document = json.loads(done.stdout)
    assert set(document["subjects"].values()) == {"ok"}
    assert [one for one in document["findings"] if one["severity"] == "error"] == []

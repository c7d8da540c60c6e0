"""``dashpipe lint`` as a process: what it prints, its exit codes, its paths, fixes and baseline."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.lint import cases

HEAVY = ("airflow", "bson", "duckdb", "jinja2", "jsonschema", "pymongo", "rich", "sqlglot")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A sound project."""
    cases.write(cases.base_files(), tmp_path)
    return tmp_path


def spoil(root: Path, edit: str, file: str = cases.SUBJECT) -> None:
    """Replace some of a file's top-level keys."""
    path = root / file
    path.write_text(cases.edited(path.read_text(encoding="utf-8"), edit), encoding="utf-8")


def dashpipe(root: Path, *args: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command in the project's folder."""
    return subprocess.run(
        [sys.executable, "-m", "dashpipe", *args],
        cwd=root,
        env={**os.environ, "NO_COLOR": "1", **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_sound_project(root: Path) -> None:
    """A project without findings says so, and ends with 0."""
    done = dashpipe(root, "lint")
    assert (done.returncode, done.stdout, done.stderr) == (0, "no findings\n", "")


def test_error_ends_with_1(root: Path) -> None:
    """An error is shown with its place, its line and what to write, and ends with 1."""
    spoil(root, "metrics: [revenu]\n")
    done = dashpipe(root, "lint", "--format", "concise")
    place = "metrics/shop/daily.yml:12:11: error N002 unknown-metric"
    said = "there is no metric `revenu`; did you mean revenue?"
    assert (done.returncode, done.stdout) == (1, f"{place}: {said}\n")


def test_warnings_end_with_1_under_strict_only(root: Path) -> None:
    """A warning alone is no failure, unless asked for."""
    spoil(root, 'owner: ""\n')
    assert dashpipe(root, "lint").returncode == 0
    assert dashpipe(root, "lint", "--strict").returncode == 1


def test_json_is_one_document(root: Path) -> None:
    """Standard output holds the document and nothing else."""
    spoil(root, "metrics: [revenu]\n")
    done = dashpipe(root, "lint", "--format", "json")
    document = json.loads(done.stdout)
    assert document["summary"] == {"errors": 1, "warnings": 0, "fixable": 0}
    assert [one["code"] for one in document["findings"]] == ["N002"]


def test_github_writes_the_whole_list_into_the_summary(root: Path) -> None:
    """The commands go to standard output, the whole list to the step's summary, behind what stands there."""
    spoil(root, "metrics: [revenu]\n")
    summary = root / "summary.md"
    summary.write_text("before\n", encoding="utf-8")
    done = dashpipe(root, "lint", "--format", "github", GITHUB_STEP_SUMMARY=str(summary))
    assert done.stdout.startswith("::error ")
    text = summary.read_text(encoding="utf-8")
    assert text.startswith("before\n### dashpipe lint: 1 error\n")
    assert "N002" in text


def test_colour_only_where_it_is_seen(root: Path) -> None:
    """Into a pipe no colour is written, unless it is asked for."""
    spoil(root, "metrics: [revenu]\n")
    assert "\x1b[" not in dashpipe(root, "lint").stdout
    assert "\x1b[31m" in dashpipe(root, "lint", FORCE_COLOR="1").stdout


def test_paths_select_what_is_reported(root: Path) -> None:
    """The whole project is read; a finding is shown if it, or a place that it speaks of, lies in a path."""
    spoil(root, "metrics: [revenu]\n")
    spoil(root, "target: {collection: dash_daily}\n", "metrics/shop/other.yml")
    whole = {"N002", "N014"}

    def codes(*paths: str) -> set[str]:
        done = dashpipe(root, "lint", "--format", "json", *paths)
        return {one["code"] for one in json.loads(done.stdout)["findings"]}

    assert codes() == whole
    assert codes("metrics") == whole
    assert codes(str(root / "metrics" / "shop" / "other.yml")) == {"N014"}
    # The two write one collection: the finding is at `other`, and speaks of `daily`.
    assert codes("metrics/shop/daily.yml") == whole
    assert codes("metrics/shop/models") == set()


def test_paths_that_are_not_there(root: Path) -> None:
    """A path that does not exist, or lies elsewhere, is said, with 2."""
    missing = dashpipe(root, "lint", "metrics/shop/dayly.yml")
    assert (missing.returncode, missing.stdout) == (2, "")
    assert "there is no file or folder metrics/shop/dayly.yml" in missing.stderr
    assert dashpipe(root, "lint", "/").returncode == 2


def test_a_file_without_findings_is_good_though_another_is_not(root: Path) -> None:
    """The exit code is of what is shown."""
    spoil(root, "metrics: [revenu]\n")
    assert dashpipe(root, "lint", "metrics/shop/models").returncode == 0


def test_fix_keeps_comments(root: Path) -> None:
    """What can be repaired safely is, and the comments and line ends stay."""
    path = root / cases.SUBJECT
    text = path.read_text(encoding="utf-8").replace("description:", "Description:", 1)
    path.write_bytes(f"# why\n{text}".replace("\n", "\r\n").encode())
    done = dashpipe(root, "lint", "--fix")
    assert done.returncode == 0, done.stdout
    assert done.stderr == "repaired 1\n"
    mended = text.replace("Description:", "description:").replace("\n", "\r\n")
    assert path.read_bytes() == f"# why\r\n{mended}".encode()


def test_baseline_hides_what_was_there(root: Path) -> None:
    """Old warnings are left out, a new one is shown, and one that is gone is said."""
    spoil(root, 'owner: ""\n')
    written = dashpipe(root, "lint", "--baseline", "old.json", "--write-baseline")
    assert written.returncode == 0
    assert "wrote 1 warnings into old.json" in written.stderr
    assert dashpipe(root, "lint", "--strict", "--baseline", "old.json").returncode == 0
    spoil(root, "checks: []\n")
    new = dashpipe(root, "lint", "--strict", "--format", "json", "--baseline", "old.json")
    assert [one["code"] for one in json.loads(new.stdout)["findings"]] == ["Q006"]
    spoil(root, "owner: me\n")
    assert "1 warnings of old.json are gone" in dashpipe(root, "lint", "--baseline", "old.json").stderr


@pytest.mark.parametrize("args", [("--write-baseline",), ("--baseline", "none.json")])
def test_baseline_that_cannot_be(args: tuple[str, ...], root: Path) -> None:
    """A baseline without a file, or one that is not there, is said, with 2."""
    done = dashpipe(root, "lint", *args)
    assert done.returncode == 2
    assert "baseline" in done.stderr


def test_no_project(tmp_path: Path) -> None:
    """Outside of a project the command says what to do."""
    done = dashpipe(tmp_path, "lint")
    assert done.returncode == 2
    assert "dashpipe init" in done.stderr


def test_lint_imports_nothing_heavy(root: Path) -> None:
    """A lint starts fast: no database driver, no Airflow, no schema validator, no table printer."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "dashpipe", "lint"],
        cwd=root,
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    modules = re.findall(r"\|([^|\n]+)$", done.stderr, re.MULTILINE)
    imported = {one.strip().partition(".")[0] for one in modules}
    assert "yaml" in imported
    assert imported.isdisjoint(HEAVY)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("shop_dash_dayly_v1", "did you mean shop_dash_daily_v1?"),
        ("daily", "did you mean shop_dash_daily_v1?"),
        ("shop_dash_daily", "did you mean shop_dash_daily_v1?"),
        ("metrics/shop/nothing.yml", "there is no such file"),
        ("metrics/shop/models/orders.yml", "is a model"),
        ("zzz", "there are: shop_dash_daily_v1, shop_dash_other_v1"),
    ],
)
def test_subject_that_is_not_there(name: str, said: str, root: Path) -> None:
    """A command that takes a subject says which one may have been meant."""
    done = dashpipe(root, "show", name)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr


@pytest.mark.parametrize("name", ["shop_dash_daily_v1", "metrics/shop/daily.yml"])
def test_subject_with_errors_is_refused(name: str, root: Path) -> None:
    """A subject with an error is not shown or run, by its id or its file; its findings are."""
    spoil(root, "metrics: [{name: sold, type: count, where: total == 5}]\n")
    done = dashpipe(root, "show", name)
    assert done.returncode == 2
    assert "E001" in done.stderr
    assert dashpipe(root, "show", "shop_dash_other_v1").returncode == 0


def test_subject_of_a_broken_model_is_refused(root: Path) -> None:
    """An error in a model is one of the subjects that take it."""
    (root / "metrics/shop/models/orders.yml").write_text("model: orders\ncollection: [\n", encoding="utf-8")
    done = dashpipe(root, "show", "shop_dash_daily_v1")
    assert done.returncode == 2
    assert "metrics/shop/models/orders.yml" in done.stderr
